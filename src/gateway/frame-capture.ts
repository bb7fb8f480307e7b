import type { Clock } from "../base/clock.ts";
import { openAppendFileSync } from "../runtime/append-file.ts";

/** Writes down what travels in sessions, for finding faults and for proving what doesn't travel. */
export interface FrameCapture {
  /** Takes the exact text of one frame; `up` is runner to gateway. */
  readonly note: (direction: "up" | "down", text: string) => void;
  close(): void;
}

/**
 * Appends one JSON line a frame: `{ time, direction, text }`. The file holds configurations and bot tokens,
 * so it is readable by its owner only. @throws the runtime's error when the file can't be written
 */
export function openFrameCapture(path: string, clock: Clock): FrameCapture {
  const file = openAppendFileSync(path);
  return {
    note: (direction, text) => {
      file.append(`${JSON.stringify({ time: new Date(clock.now()).toISOString(), direction, text })}\n`);
    },
    close: () => file.close(),
  };
}
