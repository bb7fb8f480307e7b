import { type Clock, withLimit } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { exitNow, onSignals } from "../runtime/system.ts";

/** A terminal and npm may both pass on the same Ctrl-C: a signal so soon after the first is not a second wish. */
const SAME_SIGNAL_MS = 1000;
/** Whoever ended us (Kubernetes, systemd, an impatient person) may wait no longer than 10 s. */
const STOP_LIMIT_MS = 9000;

/**
 * Resolves with the first TERM, INT or HUP; a second one ends the process at once with code 1. HUP is a wish to end like
 * the others: there is nothing to load anew, since tokens and certificates are read when they are used.
 */
export function untilSignal(clock: Clock): Promise<string> {
  return new Promise((resolve) => {
    let first: number | undefined;
    onSignals(["SIGTERM", "SIGINT", "SIGHUP"], (signal) => {
      first ??= clock.monotonic();
      if (clock.monotonic() - first > SAME_SIGNAL_MS) exitNow(1);
      resolve(signal);
    });
  });
}

/** Waits for `stop` up to a limit that leaves the process time to be gone within 10 s. Never throws. */
export async function stopInTime(stop: Promise<void>, clock: Clock, log: Log): Promise<void> {
  try {
    await withLimit(clock, STOP_LIMIT_MS, stop, () => new Error(`not done after ${STOP_LIMIT_MS} ms`));
  } catch (error) {
    log.warn("Ending although not everything has stopped; what is on disk is found again", {
      error: describeError(error),
    });
  }
}
