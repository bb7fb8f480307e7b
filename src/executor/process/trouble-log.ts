import type { Clock } from "../../base/clock.ts";
import { CodedError, describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { dataDirectoryAdvice } from "./data-directory-lock.ts";

const AGAIN_MS = 60_000;

/** Tells of runs that can't be looked at: each trouble once, and again every minute as long as it lasts. */
export class TroubleLog {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #told = new Map<string, { readonly text: string; readonly at: number }>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** A look, or a release, has failed; it will be tried again. */
  note(runId: string, error: unknown, what = "A run can't be looked at for now"): void {
    // The name of a temporary file is another one each time.
    const text = describeError(error).replace(/[0-9a-f-]{36}/g, "");
    const told = this.#told.get(runId);
    const now = this.#clock.monotonic();
    if (told?.text === text && now - told.at < AGAIN_MS) return;
    this.#told.set(runId, { text, at: now });
    const advice = error instanceof CodedError ? undefined : dataDirectoryAdvice(error);
    this.#log.warn(what, {
      run: runId,
      error,
      next: advice ?? (error instanceof CodedError ? error.advice : "Check the data directory; it is tried again"),
    });
  }

  /** It went well again. */
  clear(runId: string): void {
    this.#told.delete(runId);
  }
}
