import { backoffDelay } from "../base/backoff.ts";
import { type Clock, sleep, systemClock } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import { createLog, type Log } from "../base/log.ts";
import {
  endRunProcesses,
  type OutputEnd,
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
import { environment, onSignals, processId, writeError } from "../runtime/system.ts";
import type { SecretProvider } from "../secrets/provider.ts";
import type { WrappedEnd } from "./wrapper.ts";

/** How a supervised run went, as far as it was seen. */
export interface SeenRun {
  /** How the program ended; an error when the supervisor itself failed. */
  readonly end: WrappedEnd | Error;
  /** The program's process id, once it was started. */
  readonly pid?: number;
  /** True when `startBefore` passed before the program was started. */
  readonly late: boolean;
  /** True when somebody had written that the run shall stop. */
  readonly stopAsked: boolean;
  readonly output: OutputEnd;
  /** Processes the program left behind that could not be ended. */
  readonly survivors: number;
}

/** A timer can't wait longer (2^31 - 1 ms, 24 days). */
const LONGEST_TIMER_MS = 2_147_483_647;
const END_BACKOFF = { floorMs: 100, baseMs: 250, capMs: 10_000 };
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
    const { survivors } = await endRunProcesses(this.#intent, this.#program, this.#clock, true);
    return {
      end,
      ...(this.#program === undefined ? {} : { pid: this.#program.pid }),
      late: this.#late,
      stopAsked: (await readStop(this.#directory).catch(() => undefined)) !== undefined,
      output: await output.end(),
      survivors,
    };
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
      const { secretsSettingsSchema } = await import("../secrets/settings.ts");
      const { openProvider } = await import("../secrets/catalogue.ts");
      const settings = secretsSettingsSchema.safeParse(this.#intent.secrets);
      if (!settings.success) {
        const detail = settings.error.issues.map(({ path, message }) => `${path.join(".") || "(root)"}: ${message}`);
        return badSettings(
          `The secret store can't be opened: ${detail.join("; ")}`,
          "Correct the runner's settings of the secret store",
        );
      }
      return await openProvider(settings.data, environment());
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

/** What to report of a run that was seen to its end. Pure. `success` comes from exit code 0 and from nothing else. */
export function endingOf(seen: SeenRun, startedAt: number | undefined, endedAt: number): RunEnding {
  const moments = { ...(startedAt === undefined ? {} : { startedAt }), endedAt };
  const process = seen.pid === undefined ? "no program" : `process ${seen.pid}`;
  const remarks = [
    ...(seen.output.lost === undefined
      ? []
      : [`the log lacks ${seen.output.lost.bytes} bytes that could not be written: ${seen.output.lost.reason}`]),
    ...(seen.survivors === 0 ? [] : [`${seen.survivors} processes it left behind could not be ended`]),
  ];
  const told = (text: string): string => [text, ...remarks].join("; ");
  const failed = (failure: NonNullable<RunEnding["failure"]>, proof: string): RunEnding => {
    const detail = [failure.detail, ...remarks].filter((part) => part !== undefined).join("; ");
    return { state: "failed", proof: told(proof), ...moments, failure: { ...failure, detail: detail || proof } };
  };
  const { end } = seen;
  if (end instanceof Error) {
    const category = seen.pid === undefined ? "StartFailed" : "Lost";
    const summary = "The run's supervisor failed and has ended the program";
    return failed({ category, summary, detail: describeError(end) }, `the supervisor failed, ${process}`);
  }
  switch (end.kind) {
    case "exited": {
      const proof = `exit code ${end.exitCode} of ${process}, seen by its supervisor ${processId()}`;
      if (end.exitCode === 0) return { state: "success", proof: told(proof), ...moments, exitCode: 0 };
      const summary = `The ingestion program ended with exit code ${end.exitCode}`;
      return { ...failed({ category: "ExitCode", summary }, proof), exitCode: end.exitCode };
    }
    case "signaled": {
      const summary = `The ingestion program was ended by ${end.signal}`;
      return failed(
        { category: "Killed", summary },
        `${process} was ended by ${end.signal}, which the runner didn't send`,
      );
    }
    case "timedOut":
      return failed(
        { category: "DeadlineExceeded", summary: "The run took longer than its timeout and was ended" },
        `${process} was ended at the timeout`,
      );
    case "notStarted": {
      const { category, summary, detail, advice } = end;
      return failed({ category, summary, detail, advice }, `never started: ${summary}`);
    }
    case "stopped": {
      if (seen.stopAsked)
        return { state: "stopped", proof: told(`told to stop, then ${process} was ended`), ...moments };
      if (seen.late) return lateEnding(endedAt);
      return failed(
        { category: "Killed", summary: "The run's supervisor was told to end, and ended the program" },
        `the supervisor got a signal although nobody had asked for the run to stop; ${process} was ended`,
      );
    }
  }
}

function lateEnding(endedAt: number): RunEnding {
  const proof = "its time limit for starting had passed, so its program was not started";
  const summary = "The run was not started before its time limit";
  return { state: "failed", proof, endedAt, failure: { category: "StartTimeout", summary, detail: proof } };
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
