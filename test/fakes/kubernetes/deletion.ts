import type { Clock } from "../../../src/base/clock.ts";
import { kindOfObject, type Stored, timeText } from "./kinds.ts";
import type { ObjectStore } from "./object-store.ts";

/** Finalizer of a foreground delete: gone when the dependents are. */
export const FOREGROUND = "foregroundDeletion";

/** How something is to be deleted. */
export interface DeleteRequest {
  readonly propagation: "Background" | "Foreground" | "Orphan";
  readonly gracePeriodSeconds?: number;
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** Deletes an object: at once, or by a deletion time while finalizers or a pod's processes are there. */
export function deleteObject(store: ObjectStore, clock: Clock, object: Stored, request: DeleteRequest): void {
  if (kindOfObject(object).plural === "pods") deletePod(store, clock, object, request);
  else deletePlain(store, clock, object, request);
}

function deletePlain(store: ObjectStore, clock: Clock, object: Stored, request: DeleteRequest): void {
  if (request.propagation === "Orphan") orphan(store, object);
  const added = request.propagation === "Foreground" ? [FOREGROUND] : [];
  const finalizers = [...new Set([...(object.metadata.finalizers ?? []), ...added])];
  if (finalizers.length === 0) {
    store.remove(object);
    return;
  }
  const deletionTimestamp = object.metadata.deletionTimestamp ?? timeText(clock.now());
  store.change(object, (now) => ({
    ...now,
    metadata: { ...now.metadata, finalizers, deletionTimestamp, deletionGracePeriodSeconds: 0 },
  }));
}

/** Takes a finalizer away; an object that waited for it is gone then. */
export function removeFinalizer(store: ObjectStore, object: Stored, finalizer: string): void {
  const changed = store.change(object, (now) => {
    const { finalizers = [], ...metadata } = now.metadata;
    const left = finalizers.filter((name) => name !== finalizer);
    return { ...now, metadata: left.length === 0 ? metadata : { ...metadata, finalizers: left } };
  });
  const { deletionTimestamp, finalizers = [], deletionGracePeriodSeconds } = changed?.metadata ?? {};
  if (changed === undefined || deletionTimestamp === undefined || finalizers.length > 0) return;
  if (kindOfObject(changed).plural !== "pods" || deletionGracePeriodSeconds === 0) store.remove(changed);
}

/**
 * A pod with a node gets a deletion time after its grace, and the node removes it when its processes have ended; one without
 * a node or that has ended is removed at once; so is any with a grace of 0, whatever still runs of it.
 */
function deletePod(store: ObjectStore, clock: Clock, pod: Stored, { gracePeriodSeconds }: DeleteRequest): void {
  const ended = ["Succeeded", "Failed"].includes(String(pod.status?.["phase"]));
  const own = Number(pod.spec?.["terminationGracePeriodSeconds"] ?? 30);
  const wanted = pod.spec?.["nodeName"] === undefined || ended ? 0 : (gracePeriodSeconds ?? own);
  const given = pod.metadata.deletionGracePeriodSeconds;
  const grace = given === undefined ? wanted : Math.min(given, wanted);
  if (given !== undefined && grace === given && grace !== 0) return;
  if (grace === 0 && (pod.metadata.finalizers ?? []).length === 0) {
    store.remove(pod);
    return;
  }
  store.change(pod, (now) => ({
    ...now,
    metadata: {
      ...now.metadata,
      deletionTimestamp: timeText(clock.now() + grace * 1000),
      deletionGracePeriodSeconds: grace,
      generation: (now.metadata.generation ?? 1) + (given === undefined ? 1 : 0),
    },
  }));
}

function orphan(store: ObjectStore, owner: Stored): void {
  for (const plural of ["pods", "jobs", "secrets", "configmaps", "cronjobs"]) {
    for (const object of store.all(plural, owner.metadata.namespace)) {
      const references = object.metadata.ownerReferences ?? [];
      if (!references.some(({ uid }) => uid === owner.metadata.uid)) continue;
      store.change(object, (now) => ({
        ...now,
        metadata: { ...now.metadata, ownerReferences: references.filter(({ uid }) => uid !== owner.metadata.uid) },
      }));
    }
  }
}
