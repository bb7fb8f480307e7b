import type { Clock } from "../../base/clock.ts";
import { watchDirectory } from "../../runtime/files.ts";
import { END_FILE } from "./run-directory.ts";

const POLL_MS = 500;
/** A program that prints a lot changes its directory all the time. */
const LEAST_GAP_MS = 100;

/** Resolves when it is worth looking at a run's directory again: at its end, at any other change but not too soon, or at the poll. */
export function untilNextLook(directory: string, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise<void>((resolve) => {
    let changed = false;
    let early = false;
    const wake = (): void => {
      stopWatching();
      cancelGap();
      cancelPoll();
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const stopWatching = watchDirectory(directory, (name) => {
      changed = true;
      if (early || name === END_FILE) wake();
    });
    const cancelGap = clock.schedule(LEAST_GAP_MS, () => {
      early = true;
      if (changed) wake();
    });
    const cancelPoll = clock.schedule(POLL_MS, wake);
    signal.addEventListener("abort", wake, { once: true });
    if (signal.aborted) wake();
  });
}
