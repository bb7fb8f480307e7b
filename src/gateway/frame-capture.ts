import type { Clock } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import { openSynchronousAppendFile, type SynchronousAppendFile } from "../runtime/append-file.ts";
import { storageAdvice } from "../runtime/storage-advice.ts";
import { GATEWAY_ERRORS } from "./errors.ts";

/** Writes down what travels in sessions, for finding faults and for proving what doesn't travel. */
export interface FrameCapture {
  /** Takes the exact text of one frame; `up` is runner to gateway. */
  readonly note: (direction: "up" | "down", text: string) => void;
  close(): void;
}

/**
 * Appends one JSON line a frame: `{ time, direction, text }`. The file holds configurations and bot tokens,
 * so it is readable by its owner only. @throws CodedError FrameCaptureUnusable
 */
export async function openFrameCapture(path: string, clock: Clock): Promise<FrameCapture> {
  let file: SynchronousAppendFile;
  try {
    file = await openSynchronousAppendFile(path);
  } catch (cause) {
    const advice = storageAdvice(cause, "name another file with --capture-frames");
    throw new CodedError(
      GATEWAY_ERRORS.FrameCaptureUnusable,
      `Cannot write frames down in ${path}: ${describeError(cause)}`,
      { cause, ...(advice === undefined ? {} : { advice }) },
    );
  }
  return {
    note: (direction, text) => {
      file.append(`${JSON.stringify({ time: new Date(clock.now()).toISOString(), direction, text })}\n`);
    },
    close: () => file.close(),
  };
}
