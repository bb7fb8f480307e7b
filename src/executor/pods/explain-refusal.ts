import { CodedError, isKind } from "../../base/errors.ts";
import { KUBERNETES_ERRORS } from "../../kubernetes/errors.ts";
import { FAILURE_CATEGORIES } from "../../protocol/failure-category.ts";
import { KUBERNETES_EXECUTOR_ERRORS } from "./errors.ts";
import { type Refusal, readRefusal } from "./refusal-words.ts";
import { RIGHTS_ERRORS } from "./rights/errors.ts";
import { explainForbidden } from "./rights/explain-forbidden.ts";

/**
 * Kinds by which the API server says no to an object; 5xx too, since that is how it tells of a webhook that doesn't answer, and
 * 401, which a policy may give as its reason.
 */
const REFUSALS = [
  KUBERNETES_ERRORS.ApiForbidden,
  KUBERNETES_ERRORS.ApiUnauthorized,
  KUBERNETES_ERRORS.ApiInvalid,
  KUBERNETES_ERRORS.ApiNotFound,
  KUBERNETES_ERRORS.ApiUnavailable,
  KUBERNETES_ERRORS.ApiConflict,
];

/**
 * What to tell in place of an error of a call that makes something of a run or a schedule: a missing right (RightMissing), the rule of the
 * namespace that refuses it (RunNotAdmitted, with the category that the failure would have, which passes when somebody changes
 * the rule), or a specification that no API server takes (PodUnworkable, which doesn't pass). Other errors stay as they are.
 */
export function explainRefusal(error: unknown, act: string, namespace: string): unknown {
  const explained = explainForbidden(error, act, namespace);
  if (explained !== error || !(error instanceof CodedError) || !REFUSALS.some((kind) => isKind(error, kind)))
    return explained;
  const words = String(error.facts["serverMessage"] ?? "");
  const refusal = readRefusal(words) ?? otherRefusal(error, words);
  if (refusal !== undefined) {
    const { category, name, advice = FAILURE_CATEGORIES[category] } = refusal;
    // The cause has the server's words.
    return new CodedError(KUBERNETES_EXECUTOR_ERRORS.RunNotAdmitted, `Cannot ${act}: ${name}`, {
      advice,
      facts: { category },
      cause: error,
    });
  }
  if (!isKind(error, KUBERNETES_ERRORS.ApiInvalid)) return error;
  return new CodedError(KUBERNETES_EXECUTOR_ERRORS.PodUnworkable, `Cannot ${act}: the API server finds it invalid`, {
    facts: { category: "ConfigError" },
    cause: error,
  });
}

/** True for what `explainRefusal` has explained: the cluster doesn't do it, and goes on so until somebody changes something. */
export function isRefusal(error: unknown): boolean {
  const { RunNotAdmitted, PodUnworkable } = KUBERNETES_EXECUTOR_ERRORS;
  return [RunNotAdmitted, PodUnworkable, RIGHTS_ERRORS.RightMissing].some((kind) => isKind(error, kind));
}

/** Admission may refuse in any words. What is said about a Secret is only repeated where it names fields, as its validation does. */
function otherRefusal(error: CodedError, words: string): Omit<Refusal, "text"> | undefined {
  const isHidden = isKind(error, KUBERNETES_ERRORS.ApiInvalid) && words.startsWith("its words are left out");
  if (!isKind(error, KUBERNETES_ERRORS.ApiForbidden) && !isHidden) return undefined;
  return { category: "Admission", name: "Admission" };
}
