import { clip } from "../base/clip.ts";
import { CodedError, describeError, errorCode } from "../base/errors.ts";
import { FAILURE_CATEGORIES, type FailureCategory } from "../protocol/failure-category.ts";
import type { RefusalReason, RunReport } from "../protocol/messages.ts";

/** What becomes of a request about runs, told at once. The router turns it into the protocol's verdict. */
export type RunVerdict =
  | { readonly outcome: "accepted"; readonly run?: RunReport }
  | { readonly outcome: "duplicate"; readonly run: RunReport }
  | {
      readonly outcome: "refused";
      readonly reason: RefusalReason;
      readonly message: string;
      readonly advice: string;
      /** What the failure would be if the run never started, where that is known. */
      readonly category?: FailureCategory;
    };

/** A refusal; the message says what was found, the advice what to do next. */
export function refused(
  reason: RefusalReason,
  message: string,
  advice: string,
  category?: FailureCategory,
): RunVerdict {
  const told = { reason, message: clip(message, 2000), advice: clip(advice, 500) };
  return { outcome: "refused", ...told, ...(category === undefined ? {} : { category }) };
}

/** Errors of executors that last until somebody changes settings. Of all others the orderer should try again after a while. */
const LASTING: Readonly<Record<string, RefusalReason>> = {
  ExecutorAbsent: "noExecutor",
  ImageVersionDiffers: "badConfig",
  PodUnworkable: "badConfig",
};

/** The refusal for what was thrown when nothing had been made yet. An error's fact `category` goes along (Executor.start). */
export function refusedFor(error: unknown): RunVerdict {
  const reason = LASTING[errorCode(error) ?? ""] ?? "storage";
  if (!(error instanceof CodedError)) return refused(reason, describeError(error), "See the runner's log");
  return refused(reason, describeError(error), error.advice, categoryOf(error));
}

function categoryOf({ facts }: CodedError): FailureCategory | undefined {
  const { category } = facts;
  const known = typeof category === "string" && Object.hasOwn(FAILURE_CATEGORIES, category);
  return known ? (category as FailureCategory) : undefined;
}
