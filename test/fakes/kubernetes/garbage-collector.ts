import type { Clock } from "../../../src/base/clock.ts";
import { deleteObject, FOREGROUND, removeFinalizer } from "./deletion.ts";
import { KINDS, type Stored } from "./kinds.ts";
import type { Change, ObjectStore } from "./object-store.ts";

/** From a change to what the collector does about it. */
const DELAY_MS = 20;

/** Removes what belongs to nobody any more, and ends foreground deletes. Answers how it is stopped. */
export function startGarbageCollector(store: ObjectStore, clock: Clock): () => void {
  let cancel: (() => void) | undefined;
  const sweep = (): void => {
    cancel = undefined;
    for (const { plural } of KINDS) {
      for (const object of store.all(plural)) {
        collectOrphan(store, clock, object);
        if (object.metadata.finalizers?.includes(FOREGROUND) === true) finishForeground(store, clock, object);
      }
    }
  };
  const stop = store.onChange((change) => {
    if (concerns(change)) cancel ??= clock.schedule(DELAY_MS, sweep, { unref: true });
  });
  return () => {
    stop();
    cancel?.();
  };
}

function concerns({ type, object }: Change): boolean {
  return (
    type === "DELETED" || object.metadata.ownerReferences !== undefined || object.metadata.finalizers !== undefined
  );
}

/** An object whose owners are all gone (or were replaced by others of their name) is deleted in the background. */
function collectOrphan(store: ObjectStore, clock: Clock, object: Stored): void {
  const owners = object.metadata.ownerReferences ?? [];
  if (owners.length === 0 || object.metadata.deletionTimestamp !== undefined) return;
  if (owners.some(({ uid }) => store.withUid(uid) !== undefined)) return;
  deleteObject(store, clock, object, { propagation: "Background" });
}

function finishForeground(store: ObjectStore, clock: Clock, owner: Stored): void {
  const dependents = KINDS.flatMap(({ plural }) => store.all(plural)).filter(({ metadata }) =>
    metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid),
  );
  for (const dependent of dependents) {
    if (dependent.metadata.deletionTimestamp === undefined) {
      deleteObject(store, clock, dependent, { propagation: "Background" });
    }
  }
  const blocking = dependents.filter(({ metadata }) =>
    metadata.ownerReferences?.some(({ uid, blockOwnerDeletion }) => uid === owner.metadata.uid && blockOwnerDeletion),
  );
  if (blocking.every((object) => store.withUid(object.metadata.uid ?? "") === undefined)) {
    removeFinalizer(store, owner, FOREGROUND);
  }
}
