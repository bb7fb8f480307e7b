import { isKind } from "../../../../base/errors.ts";
import { KUBERNETES_ERRORS } from "../../../../kubernetes/errors.ts";
import type { Followed } from "./follow-options.ts";

/**
 * What the ends of streams that followed say. The node ends one when it has sent all of an ended container's log, and the API server
 * ends it in the same way when its connection to the node breaks: `once`. A broken one is followed by one that goes on, brings more, or
 * fails; when the next one too finds the end of what is here and ends at once, the container has ended and all of its log is here: `sure`.
 * So it is when the pod is gone at once: its node, which was well enough to take it away, has ended the stream with the container.
 */
export type StreamEnd = "open" | "once" | "sure";

/** The node looks at once whether the container runs when it has sent all. */
const PROMPT_MS = 2_000;

/** What is known when following came to this after so many milliseconds. */
export function streamEnd(before: StreamEnd, { bytes, isAtEnd }: Followed, lastedMs: number): StreamEnd {
  const isQuiet = bytes === 0 && lastedMs < PROMPT_MS;
  // The pod is being taken away, and its log with it.
  if (before === "sure" && isQuiet) return "sure";
  if (!isAtEnd) return "open";
  return before === "once" && isQuiet ? "sure" : "once";
}

/** The same when it failed. */
export function streamFailure(before: StreamEnd, error: unknown, lastedMs: number): StreamEnd {
  const isGone = isKind(error, KUBERNETES_ERRORS.ApiNotFound) && lastedMs < PROMPT_MS;
  return before === "sure" || (before === "once" && isGone) ? "sure" : "open";
}
