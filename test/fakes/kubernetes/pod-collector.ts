import type { Clock } from "../../../src/base/clock.ts";
import { deleteObject } from "./deletion.ts";
import type { Stored } from "./kinds.ts";
import type { ObjectStore } from "./object-store.ts";

/**
 * Pods that were deleted before any node had them: they are marked failed and removed, so that their Job can count them.
 * The real collector comes by every 20 s. Answers how it is stopped.
 */
export function startPodCollector(store: ObjectStore, clock: Clock, everyMs: number): () => void {
  let cancel = clock.schedule(everyMs, sweep, { unref: true });
  function sweep(): void {
    for (const pod of store.all("pods")) {
      if (pod.metadata.deletionTimestamp === undefined || pod.spec?.["nodeName"] !== undefined) continue;
      if (["Succeeded", "Failed"].includes(String(pod.status?.["phase"]))) continue;
      const failed = store.change(pod, (now) => ({ ...now, status: { ...now.status, phase: "Failed" } }) as Stored);
      if (failed !== undefined)
        deleteObject(store, clock, failed, { propagation: "Background", gracePeriodSeconds: 0 });
    }
    cancel = clock.schedule(everyMs, sweep, { unref: true });
  }
  return () => cancel();
}
