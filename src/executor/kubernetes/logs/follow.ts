import type { Clock } from "../../../base/clock.ts";
import type { LogPosition } from "./log-intake.ts";
import type { LogReading } from "./log-stream.ts";

const LOOK_MS = 1_000;
/** While others wait, one that says nothing gives its place away after this, and one that talks after the other. */
const SHARED_SILENCE_MS = 2_000;
const SHARED_TURN_MS = 10_000;
/** Silence after which it is asked whether there is more than the stream brings. */
const DOUBT_MS = 15_000;

/** What following a log stands on. */
export interface FollowOptions {
  readonly clock: Clock;
  /** True when others wait for this one's place. */
  readonly crowded: () => boolean;
  readonly position: () => LogPosition;
  /** Opens the stream. */
  readonly read: (options: { readonly signal: AbortSignal; readonly onBytes: () => void }) => Promise<LogReading>;
  /** Time of the last line that the node has now. */
  readonly lastTime: (signal: AbortSignal) => Promise<string>;
  /** The time that made a stream doubtful before: it is that of a part of a line when nothing new came of it. */
  readonly asked: { time: string };
}

/** How following ended: by itself, for others, or because the stream brought no more although there is more. */
export type FollowEnd = "ended" | "yielded" | "stuck";

/**
 * Follows a log as long as its stream goes on. A stream can stay open and silent for ever while the program prints on, after a
 * rotation for example (https://github.com/kubernetes/kubernetes/issues/115701), so silence is doubted. @throws what `read` throws
 */
export async function followLog(options: FollowOptions): Promise<{ readonly bytes: number; readonly end: FollowEnd }> {
  const { clock, asked } = options;
  const stop = new AbortController();
  const began = clock.monotonic();
  let heardAt = began;
  let doubtedAt = began;
  let end: FollowEnd = "ended";
  let cancel = (): void => undefined;
  const leave = (why: FollowEnd): void => {
    end = why;
    stop.abort(new Error(`The stream of a log is ${why}`));
  };
  const doubt = async (): Promise<void> => {
    const before = heardAt;
    const time = await options.lastTime(stop.signal);
    const { last, newest } = options.position();
    const unknown = time !== "" && time !== last && time !== newest && time !== asked.time;
    if (!unknown || heardAt !== before) return;
    asked.time = time;
    leave("stuck");
  };
  const look = (): void => {
    const now = clock.monotonic();
    const silence = now - heardAt;
    if (options.crowded() && (silence > SHARED_SILENCE_MS || now - began > SHARED_TURN_MS)) {
      leave("yielded");
      return;
    }
    if (silence > DOUBT_MS && now - doubtedAt > DOUBT_MS) {
      doubtedAt = now;
      // What can't be asked now is asked again later.
      void doubt().catch(() => undefined);
    }
    schedule();
  };
  const schedule = (): void => {
    cancel = clock.schedule(LOOK_MS, look, { unref: true });
  };
  schedule();
  try {
    const onBytes = (): void => {
      heardAt = clock.monotonic();
    };
    const { bytes } = await options.read({ signal: stop.signal, onBytes });
    return { bytes, end };
  } finally {
    cancel();
    stop.abort();
  }
}
