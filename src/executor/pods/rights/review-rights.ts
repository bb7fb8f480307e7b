import { CodedError } from "../../../base/errors.ts";
import type { KubernetesApi } from "../../../kubernetes/api.ts";
import { RIGHTS_ERRORS } from "./errors.ts";
import { RIGHTS, type RightId, rightIds } from "./right-table.ts";
import { type Rights, rightsWithout } from "./rights.ts";

/** The questions are small, but the API server may be far away. */
const QUESTIONS_AT_ONCE = 6;

/**
 * Asks the API server for each right of the table (SelfSubjectAccessReview, tried again by `api` where that helps).
 * @throws CodedError RightsUnknown when it can't be asked
 */
export async function reviewRights(api: KubernetesApi, namespace: string, signal?: AbortSignal): Promise<Rights> {
  const open = [...rightIds()];
  const absent: RightId[] = [];
  const ask = async (): Promise<void> => {
    for (let id = open.shift(); id !== undefined; id = open.shift()) {
      if (!(await isAllowed(api, namespace, id, signal))) absent.push(id);
    }
  };
  try {
    await Promise.all(Array.from({ length: QUESTIONS_AT_ONCE }, ask));
  } catch (error) {
    // The others shall not go on asking.
    open.length = 0;
    const message = `Cannot find out what the runner may do in namespace ${namespace}: ${api.server} doesn't say`;
    throw new CodedError(RIGHTS_ERRORS.RightsUnknown, message, { cause: error });
  }
  return rightsWithout(namespace, absent);
}

function isAllowed(api: KubernetesApi, namespace: string, id: RightId, signal?: AbortSignal): Promise<boolean> {
  const [path = "", verb = ""] = id.split(":");
  const [resource = "", subresource] = path.split("/");
  const question = { verb, group: RIGHTS[id].group, resource, namespace };
  return api.allowed(subresource === undefined ? question : { ...question, subresource }, signal);
}
