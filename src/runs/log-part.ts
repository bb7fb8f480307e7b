/** What is known of a log's end: nothing while the run goes on, its length in bytes, or that it has ended somewhere. */
export type KnownEnd = number | "unknown" | undefined;

/** A stretch of a log to be sent now, in bytes; or nothing, because the rest waits for the run's end or all of it was sent. */
export type LogPart = { readonly from: number; readonly upTo: number } | "held" | "done";

/**
 * Which part of a log is sent next when it was sent up to `position` and at most `limit` bytes of it shall be: the first half of
 * the limit as it is written, and the last half when the run has ended. A log no longer than the limit is sent whole. Pure.
 */
export function nextLogPart(position: number, limit: number, end: KnownEnd): LogPart {
  const head = Math.ceil(limit / 2);
  if (end === undefined) return position < head ? { from: position, upTo: head } : "held";
  const whole = end === "unknown" ? limit : end;
  if (whole > limit && position < head) return { from: position, upTo: head };
  const from = whole > limit ? Math.max(position, whole - (limit - head)) : position;
  return from < whole ? { from, upTo: whole } : "done";
}
