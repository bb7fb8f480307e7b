import type { Clock } from "./clock.ts";

/** Bounds of a retry delay, in milliseconds. */
export interface BackoffLimits {
  /** The delay is never shorter than this; 0 gives full jitter. */
  readonly floorMs: number;
  /** The window of the first attempt. */
  readonly baseMs: number;
  /** The window stops growing here. */
  readonly capMs: number;
}

/** Full jitter: a delay drawn evenly from [floor, max(floor, min(cap, base * 2^attempt))]. `attempt` counts from 0. */
export function backoffDelay(attempt: number, limits: BackoffLimits, clock: Clock): number {
  const window = Math.min(limits.capMs, limits.baseMs * 2 ** Math.min(attempt, 30));
  const top = Math.max(limits.floorMs, window);
  return Math.round(limits.floorMs + clock.random() * (top - limits.floorMs));
}
