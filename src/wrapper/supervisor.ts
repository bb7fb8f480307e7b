import { backoffDelay } from "../base/backoff.ts";
import { type Clock, sleep, systemClock } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { readShape } from "../base/shape.ts";
import {
  endRunProcesses,
  type OutputLog,
  openOutput,
  type RunClaim,
  type RunEnding,
  type RunIntent,
  readIntent,
  readStop,
  runExists,
  takeClaim,
  writeEnd,
  writeProgram,
  writeSecretReads,
} from "../executor/process/run-directory.ts";
import type { LogEnd } from "../protocol/messages.ts";
import type { SecretReads } from "../protocol/secret-reads.ts";
import { ownIdentity, type ProcessIdentity, processIdentity } from "../runtime/process.ts";
import { environment, onSignals } from "../runtime/system.ts";
import type { SecretProvider } from "../secrets/provider.ts";
import { secretsSettingsShape } from "../secrets/settings.ts";
import { endingOf, lateEnding, type SeenRun } from "./run-ending.ts";
import { countReads } from "./secret-reads.ts";
import { openSupervisorLog, type SupervisorLog } from "./supervisor-log.ts";
import type { WrappedEnd } from "./wrapper.ts";

const END_BACKOFF = { floorMs: 100, baseMs: 250, capMs: 10_000 };
/** About half a minute for a machine that has no file descriptor or memory left. */
const LEFTOVER_ATTEMPTS = 10;
/** Longer than its runner keeps one for the next run: this is for a runner that hangs. */
const NEXT_RUN_WAIT_MS = 15_000;
/** With the cap above about ten minutes for a full disk to get room again. */
const END_ATTEMPTS = 120;

/** What became of one run here: its end is written, it is somebody else's, it can't be read or its end could not be written. */
type Outcome = "ended" | "notOurs" | "failed";

/**
 * Supervises a run of the process executor: claims it, starts its program, sees it end, leaves nothing behind, writes the end.
 * Then it waits a while for the next one, whose directory its runner writes as a line to its standard input: one run after the
 * other, never two at once (docs/adr/0015). Started detached as the leader of its own session, with nothing but the first run's directory.
 * Whoever loses a claim does nothing more. Answers the exit code of this process, which nobody judges a run by.
 */
export async function supervise(firstDirectory: string): Promise<number> {
  const clock = systemClock;
  let outcome = await superviseOne(firstDirectory, clock, openSupervisorLog(clock));
  if (outcome !== "ended") return outcome === "notOurs" ? 0 : 1;
  const { openInputLines } = await import("../runtime/standard-input.ts");
  const input = openInputLines(clock);
  while (outcome === "ended") {
    const directory = await input.next(NEXT_RUN_WAIT_MS);
    if (directory === undefined) return 0;
    outcome = await superviseOne(directory, clock, openSupervisorLog(clock, directory));
  }
  return outcome === "notOurs" ? 0 : 1;
}

/** Everything of a run is made anew for it and dropped with it: log, signals, settings, provider, resolver, redactor. */
async function superviseOne(runDirectory: string, clock: Clock, words: SupervisorLog): Promise<Outcome> {
  const { log } = words;
  const stop = new AbortController();
  // Before the claim: whoever reads the claim may send TERM at once.
  const ignore = onSignals(["SIGTERM", "SIGINT", "SIGHUP"], (signal) => stop.abort(signal));
  try {
    const intent = await readIntent(runDirectory);
    if (intent === undefined) {
      log.error("There is no run in this directory", { directory: runDirectory });
      return "failed";
    }
    const identity = await ownIdentity();
    const claim: RunClaim = { version: 1, who: "supervisor", at: clock.now(), identity };
    if (!(await takeClaim(runDirectory, claim))) return "notOurs";
    return (await superviseClaimed(runDirectory, intent, stop, clock, log)) ? "ended" : "failed";
  } catch (error) {
    log.error("The supervisor failed", { error });
    return "failed";
  } finally {
    ignore();
    await words.written();
  }
}

/** True when the end is written. */
async function superviseClaimed(
  directory: string,
  intent: RunIntent,
  stop: AbortController,
  clock: Clock,
  log: Log,
): Promise<boolean> {
  const output = await openOutput(directory);
  if (clock.now() > intent.spec.startBefore) {
    return writeEndPatiently(directory, intent, lateEnding(clock.now()), (await output.end()).log, clock, log);
  }
  if ((await readStop(directory)) !== undefined) {
    const proof = "told to stop before its program was started";
    const ending: RunEnding = { state: "stopped", proof, endedAt: clock.now() };
    return writeEndPatiently(directory, intent, ending, (await output.end()).log, clock, log);
  }
  const run = new SupervisedRun(directory, intent, stop, clock, log);
  const seen = await run.toItsEnd(output);
  const ending = endingOf(seen, run.startedAt, clock.now());
  return writeEndPatiently(directory, intent, ending, seen.output.log, clock, log);
}

/** One program from its start to the moment when nothing of it is left. */
class SupervisedRun {
  readonly #directory: string;
  readonly #intent: RunIntent;
  readonly #stop: AbortController;
  readonly #clock: Clock;
  readonly #log: Log;
  #program: ProcessIdentity | undefined;
  #late = false;
  startedAt: number | undefined;

  constructor(directory: string, intent: RunIntent, stop: AbortController, clock: Clock, log: Log) {
    this.#directory = directory;
    this.#intent = intent;
    this.#stop = stop;
    this.#clock = clock;
    this.#log = log;
  }

  async toItsEnd(output: OutputLog): Promise<SeenRun> {
    const cancelDeadline = this.#watchStartBefore();
    let end: WrappedEnd | Error;
    try {
      end = await this.#wrapped(output);
    } catch (error) {
      this.#log.error("The supervisor failed", { error });
      end = error instanceof Error ? error : new Error(describeError(error));
    } finally {
      cancelDeadline();
    }
    const survivors = await this.#endLeftovers();
    return {
      end,
      ...(this.#program === undefined ? {} : { pid: this.#program.pid }),
      late: this.#late,
      stopAsked: (await readStop(this.#directory).catch(() => undefined)) !== undefined,
      output: await output.end(),
      survivors,
    };
  }

  /** How many processes could not be ended. @throws the system's error when it can't be told for a while whether any are left */
  async #endLeftovers(): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      try {
        return (await endRunProcesses(this.#intent, this.#program, this.#clock, true)).survivors;
      } catch (error) {
        this.#log.warn("The run's processes can't be looked for just now", { error });
        if (attempt === LEFTOVER_ATTEMPTS) throw error;
      }
      await sleep(this.#clock, backoffDelay(attempt, END_BACKOFF, this.#clock));
    }
  }

  async #wrapped(output: OutputLog): Promise<WrappedEnd> {
    const { spec, command, environment: variables, maskedVariables, workingDirectory, graceMs, mark } = this.#intent;
    // Loaded here, so that a supervisor that loses the claim stays small.
    const { runWrapped } = await import("./wrapper.ts");
    if (command.length === 0) return badSettings("No ingestion command is set", "Set the runner's ingestion command");
    const opened = await this.#openProvider();
    if ("kind" in opened) return opened;
    const { provider, reads } = countReads(opened);
    try {
      return await runWrapped({
        command,
        environment: variables,
        ...(maskedVariables === undefined ? {} : { maskedVariables }),
        cwd: workingDirectory,
        config: spec.config,
        pipelineType: spec.pipelineType,
        runId: spec.runId,
        fullyQualifiedName: spec.fullyQualifiedName,
        provider,
        clock: this.#clock,
        log: this.#log,
        output: (text) => output.append(text),
        onNote: (note) => output.append(`[hybrid-runner: ${note}]\n`),
        stop: this.#stop.signal,
        graceMs,
        ...(spec.timeoutSeconds === undefined ? {} : { timeoutMs: spec.timeoutSeconds * 1000 }),
        mark,
        onStarted: (pid) => this.#noteStart(pid),
      });
    } finally {
      await provider.dispose();
      await this.#noteSecretReads(reads());
    }
  }

  async #noteSecretReads(reads: SecretReads): Promise<void> {
    if (Object.keys(reads).length === 0) return;
    await writeSecretReads(this.#directory, reads).catch((error: unknown) =>
      this.#log.warn("How often the secret store was read can't be noted", { error }),
    );
  }

  /** The run's secret store, or why there is none. */
  async #openProvider(): Promise<SecretProvider | Extract<WrappedEnd, { kind: "notStarted" }>> {
    try {
      const { openProvider } = await import("../secrets/catalogue.ts");
      const settings = readShape(secretsSettingsShape, this.#intent.secrets);
      if (settings.problems !== undefined) {
        const detail = settings.problems.map(({ path, message }) => `${path || "they"} ${message}`);
        return badSettings(
          `The secret store can't be opened: ${detail.join("; ")}`,
          "Correct the runner's settings of the secret store",
        );
      }
      return await openProvider(settings.value, environment());
    } catch (error) {
      const advice = error instanceof CodedError ? error.advice : "See the supervisor's log";
      return badSettings(`The secret store can't be opened: ${describeError(error)}`, advice);
    }
  }

  async #noteStart(pid: number): Promise<void> {
    this.startedAt = this.#clock.now();
    // A program that has ended already still has its group, which is all that this is needed for then.
    this.#program = (await processIdentity(pid)) ?? { pid, startTime: "ended" };
    await writeProgram(this.#directory, this.#program, this.startedAt);
  }

  /** Resolving secrets takes time: a program that isn't started when the limit passes never is. */
  #watchStartBefore(): () => void {
    const delay = this.#intent.spec.startBefore - this.#clock.now();
    return this.#clock.schedule(
      delay,
      () => {
        if (this.startedAt !== undefined) return;
        this.#late = true;
        this.#stop.abort("startBefore");
      },
      { unref: true },
    );
  }
}

function badSettings(detail: string, advice: string): Extract<WrappedEnd, { kind: "notStarted" }> {
  return { kind: "notStarted", category: "ConfigError", summary: "The runner's settings don't fit", detail, advice };
}

/** A disk that is full now may have room later, and without its end the run would be lost. */
async function writeEndPatiently(
  directory: string,
  intent: RunIntent,
  ending: RunEnding,
  logEnd: LogEnd,
  clock: Clock,
  log: Log,
): Promise<boolean> {
  for (let attempt = 0; attempt < END_ATTEMPTS; attempt++) {
    try {
      await writeEnd(directory, intent.spec, ending, logEnd);
      return true;
    } catch (error) {
      if (attempt === 0) log.error("The end of the run can't be written for now", { error });
      // Somebody removed the directory: there is nobody left to tell.
      if (!(await runExists(directory))) return false;
      await sleep(clock, backoffDelay(attempt, END_BACKOFF, clock));
    }
  }
  return false;
}
