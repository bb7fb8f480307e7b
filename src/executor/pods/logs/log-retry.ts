import { type BackoffLimits, backoffDelay } from "../../../base/backoff.ts";
import type { Clock } from "../../../base/clock.ts";
import { CodedError, describeError, isKind } from "../../../base/errors.ts";
import type { Log } from "../../../base/log.ts";
import { KUBERNETES_ERRORS } from "../../../kubernetes/errors.ts";

const RETRY: BackoffLimits = { floorMs: 250, baseMs: 500, capMs: 5_000 };
const REFUSED: BackoffLimits = { floorMs: 5_000, baseMs: 10_000, capMs: 60_000 };
/** Streams that end one after the other are not opened at once more often than this. */
const HURRIED_MS = 1_000;

/** When a log that could not be read or written is tried again, and what is said of it. */
export class LogRetry {
  readonly #clock: Clock;
  readonly #log: Log;
  #tries = 0;
  /** Length of the text at the last failure. */
  #failedAt = 0;
  #warned = "";
  #hurriedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Something came: the next failure is a first one. */
  reset(): void {
    this.#tries = 0;
    this.#warned = "";
  }

  /** Milliseconds until a stream that ended without a failure is opened again; `atOnce` is heeded seldom enough. */
  next(atOnce: boolean): number {
    const now = this.#clock.monotonic();
    if (atOnce && now - this.#hurriedAt > HURRIED_MS) {
      this.#hurriedAt = now;
      return 0;
    }
    return backoffDelay(this.#tries++, RETRY, this.#clock);
  }

  /** Milliseconds until the next try after a failure, when the text had this length. */
  failed(error: unknown, bytes: number): number {
    // What gets on, however slowly, is not kept waiting.
    if (bytes > this.#failedAt) this.#tries = 0;
    this.#failedAt = bytes;
    const delay = backoffDelay(this.#tries++, isRefusal(error) ? REFUSED : RETRY, this.#clock);
    if (!isWaiting(error)) this.#tell(error, delay);
    return delay;
  }

  #tell(error: unknown, nextTryMs: number): void {
    const text = describeError(error);
    // A disk that is full and a right that is missing need somebody; an API server that restarts doesn't.
    if (error instanceof CodedError && !isRefusal(error)) {
      this.#log.debug("The log of a run can't be read now; it is tried again", { error, nextTryMs });
    } else if (text !== this.#warned) {
      this.#log.warn("The log of a run can't be spooled now; the run goes on and it is tried again", {
        error,
        nextTryMs,
      });
    }
    this.#warned = text;
  }
}

function isRefusal(error: unknown): boolean {
  return isKind(error, KUBERNETES_ERRORS.ApiForbidden) || isKind(error, KUBERNETES_ERRORS.ApiUnauthorized);
}

/** The container has not started yet, or its pod isn't there. */
function isWaiting(error: unknown): boolean {
  return isKind(error, KUBERNETES_ERRORS.ApiInvalid) || isKind(error, KUBERNETES_ERRORS.ApiNotFound);
}
