import { backoffDelay } from "../base/backoff.ts";
import { type Clock, sleep, systemClock } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import { createLog, type Log } from "../base/log.ts";
import { readShape } from "../base/shape.ts";
import {
  endRunProcesses,
  type OutputLog,
  openOutput,
  type RunEnding,
  type RunIntent,
  readIntent,
  readStop,
  runExists,
  takeClaim,
  writeEnd,
  writeProgram,
} from "../executor/process/run-directory.ts";
import type { LogEnd } from "../protocol/messages.ts";
import { ownIdentity, type ProcessIdentity, processIdentity } from "../runtime/process.ts";
import { environment, onSignals, writeError } from "../runtime/system.ts";
import type { SecretProvider } from "../secrets/provider.ts";
import { secretsSettingsShape } from "../secrets/settings.ts";
import { endingOf, lateEnding, type SeenRun } from "./run-ending.ts";
import type { WrappedEnd } from "./wrapper.ts";

/** A timer can't wait longer (2^31 - 1 ms, 24 days). */
const LONGEST_TIMER_MS = 2_147_483_647;
const END_BACKOFF = { floorMs: 100, baseMs: 250, capMs: 10_000 };
/** About half a minute for a machine that has no file descriptor or memory left. */
const LEFTOVER_ATTEMPTS = 10;
/** With the cap above about ten minutes for a full disk to get room again. */
const END_ATTEMPTS = 120;

/**
 * Supervises one run of the process executor: claims it, starts its program, sees it end, leaves nothing behind, writes the end.
 * Started detached as the leader of its own session, with nothing but the run's directory. Whoever loses the claim does nothing.
 * Answers the exit code of this process, which nobody judges the run by.
 * @throws CodedError RunRecordDamaged when there is no run to be read; nothing was claimed then
 */
export async function supervise(runDirectory: string): Promise<number> {
  const clock = systemClock;
  const write = (line: string): void => void writeError(line);
  const log = createLog({ clock, level: "info", format: "text", write });
  const stop = new AbortController();
  // Before the claim: whoever reads the claim may send TERM at once.
  const ignore = onSignals(["SIGTERM", "SIGINT", "SIGHUP"], (signal) => stop.abort(signal));
  try {
    const intent = await readIntent(runDirectory);
    if (intent === undefined) {
      log.error("There is no run in this directory", { directory: runDirectory });
      return 1;
    }
    const identity = await ownIdentity();
    if (!(await takeClaim(runDirectory, { version: 1, who: "supervisor", at: clock.now(), identity }))) return 0;
    return (await superviseClaimed(runDirectory, intent, stop, clock, log)) ? 0 : 1;
  } finally {
    ignore();
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
    const { spec, command, environment: variables, workingDirectory, graceMs, mark } = this.#intent;
    // Loaded here, so that a supervisor that loses the claim stays small.
    const { runWrapped } = await import("./wrapper.ts");
    if (command.length === 0) return badSettings("No ingestion command is set", "Set the runner's ingestion command");
    const provider = await this.#openProvider();
    if ("kind" in provider) return provider;
    try {
      return await runWrapped({
        command,
        environment: variables,
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
        ...(spec.timeoutSeconds === undefined
          ? {}
          : { timeoutMs: Math.min(spec.timeoutSeconds * 1000, LONGEST_TIMER_MS) }),
        mark,
        onStarted: (pid) => this.#noteStart(pid),
      });
    } finally {
      await provider.dispose();
    }
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
    if (delay > LONGEST_TIMER_MS) return () => undefined;
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
