import { isKind } from "../../../base/errors.ts";
import { KUBERNETES_ERRORS } from "../../../kubernetes/errors.ts";
import { isRightId } from "./right-table.ts";
import { rightMissing } from "./rights.ts";

/** How the API server names what RBAC doesn't allow. Quotas and admission are forbidden in other words. */
const NOT_ALLOWED = /cannot (\w+) resource "([\w/]+)"/;

/**
 * What to tell in place of an error of a call: where a right of the table turned out to be missing, the refusal with
 * the Role lines that end it. Other errors stay as they are.
 */
export function explainForbidden(error: unknown, act: string, namespace: string): unknown {
  if (!isKind(error, KUBERNETES_ERRORS.ApiForbidden)) return error;
  const [, verb = "", resource = ""] = NOT_ALLOWED.exec(error.message) ?? [];
  const id = `${resource}:${verb}`;
  return isRightId(id) ? rightMissing(act, namespace, [id], error) : error;
}
