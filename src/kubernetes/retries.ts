import { backoffDelay } from "../base/backoff.ts";
import { type Clock, sleep } from "../base/clock.ts";
import { CodedError, errorCode, isKind } from "../base/errors.ts";
import { KUBERNETES_ERRORS } from "./errors.ts";
import { type ApiRequest, nameOf } from "./request.ts";

const BACKOFF = { floorMs: 0, baseMs: 200, capMs: 5_000 };

/** What the tries of one call have found so far. */
export interface Tries {
  /** Tries before this one. */
  readonly before: number;
  /** An earlier try may have been carried out without our having been told. */
  readonly mayHaveHappened: boolean;
}

/** How long one call is tried, in milliseconds. */
export interface TryLimits {
  readonly callMs: number;
  /** After so long a server that answers that it fails (5xx) is taken at its word; `callMs` when absent. */
  readonly refusedMs?: number | undefined;
}

/**
 * Tries a call again, after a random and growing pause, when the server is overloaded or fails, or the connection does, until
 * the limits are reached.
 * @throws CodedError of the last try; ApiUnavailable when a try isn't done in time; the signal's reason
 */
export async function withRetries<T>(
  request: ApiRequest,
  { callMs, refusedMs = callMs }: TryLimits,
  clock: Clock,
  signal: AbortSignal | undefined,
  attempt: (signal: AbortSignal, tries: Tries) => Promise<T>,
): Promise<T> {
  const began = clock.monotonic();
  // Not AbortSignal.any: a signal that lives as long as the program would remember every call.
  const giveUp = new AbortController();
  const both = giveUp.signal;
  let last: unknown;
  const cancel = clock.schedule(callMs, () => giveUp.abort(notDone(request, callMs, last)), { unref: true });
  const onAbort = (): void => giveUp.abort(signal?.reason);
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  let mayHaveHappened = false;
  try {
    for (let before = 0; ; before++) {
      try {
        return await attempt(both, { before, mayHaveHappened });
      } catch (error) {
        last = error;
        if (both.aborted) throw both.reason;
        if (!isPassing(error)) throw error;
        mayHaveHappened ||= mayHaveBeenCarriedOut(error);
        const pause = pauseAfter(error, before, clock);
        const limitMs = isAnswer(error) ? Math.min(refusedMs, callMs) : callMs;
        if (clock.monotonic() + pause >= began + limitMs) throw error;
        await sleep(clock, pause, both);
      }
    }
  } finally {
    cancel();
    signal?.removeEventListener("abort", onAbort);
  }
}

/** What nobody but a person can change: that the client is closed, or that the other end isn't the one it should be. */
const LASTING = /^(closed|certificate|notTls)/;

/** True for failures that may go away by themselves; that too many calls of our own wait (a refusal without status) isn't made better by one more. */
function isPassing(error: unknown): boolean {
  if (isKind(error, KUBERNETES_ERRORS.ApiUnavailable)) return !LASTING.test(String(error.facts["failure"] ?? ""));
  return isKind(error, KUBERNETES_ERRORS.ApiThrottled) && error.facts["status"] !== undefined;
}

/** True for the word of a server that fails, or of one that it asked, such as an admission webhook. */
function isAnswer(error: unknown): boolean {
  return isKind(error, KUBERNETES_ERRORS.ApiUnavailable) && error.facts["status"] !== undefined;
}

/** 429 is sent before anything is done; a connection that never came about carried nothing. */
function mayHaveBeenCarriedOut(error: unknown): boolean {
  if (!isKind(error, KUBERNETES_ERRORS.ApiUnavailable)) return false;
  const failure = error.facts["failure"];
  return failure === undefined || failure === "cutOff" || failure === "timeout" || failure === "other";
}

function pauseAfter(error: unknown, before: number, clock: Clock): number {
  const asked = error instanceof CodedError ? Number(error.facts["retryAfterMs"] ?? 0) : 0;
  return asked + backoffDelay(before, BACKOFF, clock);
}

function notDone(request: ApiRequest, limitMs: number, last: unknown): CodedError {
  const state = last === undefined ? "" : ` (before: ${errorCode(last) ?? "unknown"})`;
  return new CodedError(
    KUBERNETES_ERRORS.ApiUnavailable,
    `Cannot ${nameOf(request)}: not done within ${limitMs} ms${state}`,
    {
      facts: { failure: "timeout", verb: request.verb, resource: request.resource },
      ...(last === undefined ? {} : { cause: last }),
    },
  );
}
