import type { Clock } from "../../base/clock.ts";

/** What keeps a session's line alive, and notices when it is dead. Times are milliseconds. */
export interface LivenessOptions {
  readonly clock: Clock;
  readonly heartbeatMs: number;
  readonly silenceMs: number;
  /** Called when nothing was sent for `heartbeatMs`. */
  readonly onQuiet: () => void;
  /** Called once when nothing was received for `silenceMs`. */
  readonly onSilence: () => void;
}

/** Told of each sign of life. */
export interface Liveness {
  sent(): void;
  received(): void;
  stop(): void;
}

/** A timer this late means that the whole process stood still; what arrived meanwhile has not been read yet. */
const STOOD_STILL_MS = 1_000;

/** Starts watching one line. */
export function watchLiveness(options: LivenessOptions): Liveness {
  const { clock } = options;
  const quiet = watchAge(clock, options.heartbeatMs, () => {
    options.onQuiet();
    return "again";
  });
  const silence = watchAge(clock, options.silenceMs, () => {
    options.onSilence();
    return "enough";
  });
  return {
    sent: quiet.renew,
    received: silence.renew,
    stop: () => {
      quiet.stop();
      silence.stop();
    },
  };
}

/** Calls `onOld` when it wasn't renewed for `limitMs`. One timer at a time, however often it is renewed. */
function watchAge(
  clock: Clock,
  limitMs: number,
  onOld: () => "again" | "enough",
): { readonly renew: () => void; readonly stop: () => void } {
  let since = clock.monotonic();
  let due = since + limitMs;
  let cancel = clock.schedule(limitMs, check);
  function checkIn(delayMs: number): void {
    due = clock.monotonic() + delayMs;
    cancel = clock.schedule(delayMs, check);
  }
  function check(): void {
    const now = clock.monotonic();
    const left = limitMs - (now - since);
    if (left > 0) {
      checkIn(left);
    } else if (now - due > STOOD_STILL_MS) {
      checkIn(STOOD_STILL_MS);
    } else if (onOld() === "again") {
      since = clock.monotonic();
      checkIn(limitMs);
    }
  }
  return {
    renew: () => {
      since = clock.monotonic();
    },
    stop: () => cancel(),
  };
}
