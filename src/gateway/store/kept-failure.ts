import type { Failure } from "../../protocol/messages.ts";

/** Far more than a failure needs that somebody reads; what may travel is six times as long. */
const MOST_BYTES = 65_536;

/**
 * A failure as it is stored: of one that is too long, the oldest lines of its log and then its oldest events are left out;
 * without `room` for more, all of them.
 */
export function keptFailure(failure: Failure, room: boolean): Failure {
  if (!room) return { ...failure, logTail: [], ...(failure.events === undefined ? {} : { events: [] }) };
  let over = storedBytes(failure) - MOST_BYTES;
  if (over <= 0) return failure;
  const newest = (lines: readonly string[]): string[] => {
    let from = 0;
    while (over > 0 && from < lines.length) over -= storedBytes(lines[from++]) + 1;
    return lines.slice(from);
  };
  const logTail = newest(failure.logTail);
  return { ...failure, logTail, ...(failure.events === undefined ? {} : { events: newest(failure.events) }) };
}

/** Bytes of a value as it is stored. */
export function storedBytes(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}
