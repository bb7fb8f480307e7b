import { CodedError, describeError, errorCode } from "../base/errors.ts";
import type { RefusalReason, RunReport } from "../protocol/messages.ts";

/** What becomes of a request about runs, told at once. The router turns it into the protocol's verdict. */
export type RunVerdict =
  | { readonly outcome: "accepted"; readonly run?: RunReport }
  | { readonly outcome: "duplicate"; readonly run: RunReport }
  | { readonly outcome: "refused"; readonly reason: RefusalReason; readonly message: string; readonly advice: string };

/** A refusal; the message says what was found, the advice what to do next. */
export function refused(reason: RefusalReason, message: string, advice: string): RunVerdict {
  return { outcome: "refused", reason, message: message.slice(0, 2000), advice: advice.slice(0, 500) };
}

/** Errors of executors that last until somebody changes settings. Of all others the orderer should try again after a while. */
const LASTING: Readonly<Record<string, RefusalReason>> = {
  ExecutorAbsent: "noExecutor",
  ImageVersionDiffers: "badConfig",
};

/** The refusal for what was thrown when nothing had been made yet. */
export function refusedFor(error: unknown): RunVerdict {
  const reason = LASTING[errorCode(error) ?? ""] ?? "storage";
  return refused(reason, describeError(error), error instanceof CodedError ? error.advice : "See the runner's log");
}
