import { backoffDelay } from "../../../base/backoff.ts";
import { type Clock, sleep } from "../../../base/clock.ts";
import { CodedError, isKind } from "../../../base/errors.ts";
import type { Log } from "../../../base/log.ts";
import type { KubernetesApi } from "../../../kubernetes/api.ts";
import { KUBERNETES_ERRORS } from "../../../kubernetes/errors.ts";
import type { KubernetesObject, Resource } from "../../../kubernetes/objects.ts";
import { belongsTo, isOfAnother, LABELS } from "../../pods/labels.ts";
import { DEPLOYMENT_ERRORS } from "./errors.ts";

/** Where a runner's objects are, and whose they are. */
export interface Place {
  readonly api: KubernetesApi;
  readonly namespace: string;
  readonly runnerId: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** CronJobs hold whole pod templates. */
const PAGE = 250;

const TRIES = 8;

const PAUSE = { floorMs: 20, baseMs: 100, capMs: 2000 };

/** The object, or undefined when there is none. */
export async function find<T extends KubernetesObject>(
  { api, namespace }: Place,
  resource: Resource<T>,
  name: string,
): Promise<T | undefined> {
  try {
    return await api.get(resource, namespace, name);
  } catch (error) {
    if (isKind(error, KUBERNETES_ERRORS.ApiNotFound)) return undefined;
    throw error;
  }
}

/** Every object of a selection, page by page; from the beginning when the list grew too old in between. */
export async function listAll<T extends KubernetesObject>(
  place: Place,
  resource: Resource<T>,
  labelSelector: string,
): Promise<readonly T[]> {
  for (let tries = 1; ; tries++) {
    try {
      return await listPages(place, resource, labelSelector);
    } catch (error) {
      if (!isKind(error, KUBERNETES_ERRORS.ApiExpired) || tries === TRIES) throw error;
    }
  }
}

async function listPages<T extends KubernetesObject>(
  { api, namespace }: Place,
  resource: Resource<T>,
  labelSelector: string,
): Promise<readonly T[]> {
  const all: T[] = [];
  let next: string | undefined;
  do {
    const from = next === undefined ? {} : { continue: next };
    const page = await api.list(resource, namespace, { labelSelector, limit: PAGE, ...from });
    all.push(...page.items);
    next = page.metadata.continue;
  } while (next !== undefined && next !== "");
  return all;
}

/** @throws CodedError ObjectNotOurs when the object was not made by this runner */
export function refuseOthers(place: Place, object: KubernetesObject): void {
  if (belongsTo(object, place.runnerId)) return;
  const runner = object.metadata.labels?.[LABELS.runner];
  const whose = isOfAnother(object, place.runnerId) ? `runner ${runner}` : "something else";
  throw new CodedError(
    DEPLOYMENT_ERRORS.ObjectNotOurs,
    `Cannot change ${object.kind} ${object.metadata.name} in namespace ${place.namespace}: it belongs to ${whose}`,
  );
}

/**
 * Whether what has the name of an object that shall go has to be removed: none, and that of a runner that has taken the
 * pipeline over, hasn't. @throws CodedError ObjectNotOurs for what nobody is known to own: it may go on firing
 */
export function mustGo<T extends KubernetesObject>(place: Place, object: T | undefined): object is T {
  if (object === undefined) return false;
  if (belongsTo(object, place.runnerId)) return true;
  if (!isOfAnother(object, place.runnerId)) refuseOthers(place, object);
  return false;
}

/**
 * Repeats what met an object in a state that it didn't expect: `attempt` reads anew and answers false, or throws a
 * conflict, to be called again. @throws CodedError what the last attempt threw, or ObjectUnsettled
 */
export async function settle(place: Place, name: string, attempt: () => Promise<boolean>): Promise<void> {
  let last: unknown;
  for (let tries = 0; tries < TRIES; tries++) {
    if (tries > 0) await sleep(place.clock, backoffDelay(tries, PAUSE, place.clock));
    try {
      last = undefined;
      if (await attempt()) return;
    } catch (error) {
      if (!isOvertaken(error)) throw error;
      last = error;
    }
  }
  const message = `Cannot settle ${name} in namespace ${place.namespace}: it changes under the runner's hands`;
  throw new CodedError(DEPLOYMENT_ERRORS.ObjectUnsettled, message, { cause: last });
}

/** For a delete that shall meet this very object. */
export function uidOf(object: KubernetesObject): { readonly uid?: string } {
  const { uid } = object.metadata;
  return uid === undefined ? {} : { uid };
}

/** Somebody made, changed or removed the object between two looks at it. */
function isOvertaken(error: unknown): boolean {
  return (
    isKind(error, KUBERNETES_ERRORS.ApiConflict) ||
    isKind(error, KUBERNETES_ERRORS.ApiAlreadyExists) ||
    isKind(error, KUBERNETES_ERRORS.ApiNotFound)
  );
}
