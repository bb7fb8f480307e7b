import type { Clock } from "../../../src/base/clock.ts";
import type { KubernetesEvent } from "../../../src/kubernetes/objects.ts";
import { apiVersionOf, kindOfObject, type Stored, timeText } from "./kinds.ts";
import type { ObjectStore } from "./object-store.ts";

/** Tells something about an object. An equal event about it is counted instead of told again. */
export type TellEvent = (
  about: Stored,
  type: "Normal" | "Warning",
  reason: string,
  message: string,
  container?: string,
) => void;

/** Events of one component of the cluster. */
export function eventsOf(component: string, store: ObjectStore, clock: Clock): TellEvent {
  const names = new Map<string, string>();
  return (about, type, reason, message, container) => {
    const { name, namespace = "default", uid = "" } = about.metadata;
    const fieldPath = container === undefined ? {} : { fieldPath: `spec.containers{${container}}` };
    const now = timeText(clock.now());
    const key = `${uid} ${reason} ${message}`;
    const same = store.get<KubernetesEvent>("events", namespace, names.get(key) ?? "");
    if (same !== undefined) {
      store.set({ ...same, count: (same.count ?? 1) + 1, lastTimestamp: now } as KubernetesEvent);
      return;
    }
    const eventName = `${name}.${clock.now().toString(16)}${store.version.toString(16)}`;
    names.set(key, eventName);
    store.set({
      apiVersion: "v1",
      kind: "Event",
      metadata: {
        name: eventName,
        namespace,
        uid: crypto.randomUUID(),
        creationTimestamp: now,
      },
      involvedObject: {
        kind: about.kind,
        namespace,
        name,
        uid,
        apiVersion: apiVersionOf(kindOfObject(about)),
        ...fieldPath,
      },
      reason,
      message,
      source: { component },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type,
      eventTime: null,
      reportingComponent: component,
      reportingInstance: "",
    } as unknown as KubernetesEvent);
  };
}
