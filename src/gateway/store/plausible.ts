import type { RunReport } from "../../protocol/messages.ts";
import { isTerminal } from "../../protocol/run-state.ts";

/** What is known of a run before a report of it is taken; times in epoch milliseconds of this gateway's clock. */
export interface KnownTimes {
  /** Before this it can't have begun: it was ordered then, or its pipeline made. */
  readonly earliest: number;
  /** As stored of the attempt that the report is of. */
  readonly startedAt?: number | undefined;
  readonly endedAt?: number | undefined;
}

/** A clock that is wrong by less is nothing to tell. */
const TELLING_MS = 60_000;

/**
 * A report whose times can be true. A runner's clock may be wrong, and its report is worth having all the same: a time that can't be is
 * replaced by the nearest one that can, and what has not ended has neither an end nor an exit code. `isOff`: by more than a minute.
 */
export function plausible(
  report: RunReport,
  { earliest, startedAt: knownStart, endedAt: knownEnd }: KnownTimes,
  now: number,
): { readonly report: RunReport; readonly isOff: boolean } {
  const { startedAt: toldStart, endedAt: toldEnd, exitCode, ...rest } = report;
  const startedAt = toldStart === undefined ? undefined : between(earliest, toldStart, knownEnd ?? now);
  const isOver = isTerminal(report.state);
  const begun = Math.max(earliest, startedAt ?? earliest, knownStart ?? earliest);
  const endedAt = toldEnd === undefined || !isOver ? undefined : between(begun, toldEnd, now);
  const off = [
    [toldStart, startedAt],
    [toldEnd, endedAt],
  ].map(([told, taken]) => (told === undefined || taken === undefined ? 0 : Math.abs(told - taken)));
  return {
    report: {
      ...rest,
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(endedAt === undefined ? {} : { endedAt }),
      ...(exitCode === undefined || !isOver ? {} : { exitCode }),
    },
    isOff: off.some((by) => by > TELLING_MS),
  };
}

function between(least: number, time: number, most: number): number {
  return Math.max(least, Math.min(time, most));
}
