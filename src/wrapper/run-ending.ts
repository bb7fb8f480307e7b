import { describeError } from "../base/errors.ts";
import type { OutputEnd, RunEnding } from "../executor/process/run-directory.ts";
import { crashBy, crashByCode } from "../protocol/crash-signals.ts";
import { processId } from "../runtime/system.ts";
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
      // A shell passes the end of what it started on as such a code.
      const crash = crashByCode(end.exitCode);
      const failure =
        crash === undefined ? { summary } : { summary: `${summary}: it ${crash.words}`, advice: crash.advice };
      return { ...failed({ category: "ExitCode", ...failure }, proof), exitCode: end.exitCode };
    }
    case "signaled": {
      const crash = crashBy(end.signal);
      const failure =
        crash === undefined
          ? { summary: `The ingestion program was ended by ${end.signal}` }
          : { summary: `The ingestion program ${crash.words}`, advice: crash.advice };
      return failed(
        { category: "Killed", ...failure },
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

/** The end of a run whose program was not started in time. */
export function lateEnding(endedAt: number): RunEnding {
  const proof = "its time limit for starting had passed, so its program was not started";
  const summary = "The run was not started before its time limit";
  return { state: "failed", proof, endedAt, failure: { category: "StartTimeout", summary, detail: proof } };
}
