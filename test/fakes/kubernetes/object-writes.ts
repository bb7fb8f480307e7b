import type { Clock } from "../../../src/base/clock.ts";
import type { KubernetesObject } from "../../../src/kubernetes/objects.ts";
import { encoded, withDefaults } from "./defaults.ts";
import { type DeleteRequest, deleteObject } from "./deletion.ts";
import { apiVersionOf, isFields, type Kind, kindOf, kindOfObject, type Stored, timeText } from "./kinds.ts";
import { mergePatch } from "./merge-patch.ts";
import type { ObjectStore } from "./object-store.ts";
import { alreadyExists, anotherUid, badRequest, changedInBetween, notFound } from "./status.ts";
import { validate } from "./validation.ts";

/** Metadata that a writer can't set. */
const SERVER_FIELDS = [
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "generation",
] as const;

/** Writing objects as the API server does: defaults, checks, versions, deletion in steps. */
export class ObjectWrites {
  readonly #store: ObjectStore;
  readonly #clock: Clock;

  constructor(store: ObjectStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** @throws StatusError 404 for the namespace, 409 AlreadyExists, 422 */
  create(kind: Kind, namespace: string | undefined, given: Stored, dryRun = false): Stored {
    if (kind.namespaced && this.#store.get("namespaces", undefined, namespace ?? "") === undefined) {
      throw notFound(kindOf("namespaces"), namespace ?? "");
    }
    if (!isFields(given.metadata)) throw badRequest("name is required");
    const { generateName, resourceVersion: _, ...metadata } = given.metadata;
    const name =
      metadata.name ??
      (generateName === undefined ? undefined : `${generateName.slice(0, 58)}${randomSuffix(this.#clock)}`);
    if (name === undefined) throw badRequest("name or generateName is required");
    const { uid: __, creationTimestamp: ___, ...own } = metadata;
    const object = withDefaults(kind, {
      ...given,
      kind: kind.kind,
      apiVersion: apiVersionOf(kind),
      metadata: {
        ...own,
        name,
        ...(generateName === undefined ? {} : { generateName }),
        ...(namespace === undefined ? {} : { namespace }),
        uid: crypto.randomUUID(),
        ...(given.spec === undefined ? {} : { generation: 1 }),
        creationTimestamp: timeText(this.#clock.now()),
      },
    });
    validate(kind, object);
    if (this.#store.get(kind.plural, namespace, name) !== undefined) throw alreadyExists(kind, name);
    return dryRun ? object : this.#store.set(object);
  }

  /** @throws StatusError 404, 409 Conflict, 422 */
  replace(kind: Kind, namespace: string | undefined, name: string, given: Stored, dryRun = false): Stored {
    const before = this.find(kind, namespace, name);
    if (given.metadata?.name !== name)
      throw badRequest(`the name of the object (${given.metadata?.name}) does not match the name on the URL (${name})`);
    return this.#update(kind, before, given, dryRun);
  }

  /** A merge patch. @throws StatusError 404, 409 Conflict, 422 */
  patch(kind: Kind, namespace: string | undefined, name: string, change: unknown, dryRun = false): Stored {
    const before = this.find(kind, namespace, name);
    return this.#update(kind, before, mergePatch(before, change) as Stored, dryRun);
  }

  /** @throws StatusError 404, 409 Conflict */
  delete(kind: Kind, namespace: string | undefined, name: string, request: DeleteRequest, dryRun = false): Stored {
    const object = this.find(kind, namespace, name);
    const { uid, resourceVersion } = object.metadata;
    if (request.uid !== undefined && request.uid !== uid) throw anotherUid(kind, name, request.uid, uid);
    if (request.resourceVersion !== undefined && request.resourceVersion !== resourceVersion)
      throw changedInBetween(kind, name);
    if (!dryRun) deleteObject(this.#store, this.#clock, object, request);
    return this.#store.get(kind.plural, namespace, name) ?? object;
  }

  /** @throws StatusError 404 */
  find(kind: Kind, namespace: string | undefined, name: string): Stored {
    const object = this.#store.get(kind.plural, namespace, name);
    if (object === undefined) throw notFound(kind, name);
    return object;
  }

  /** Creates an object or puts it in place of the one of its name, status too. */
  put<T extends KubernetesObject>(object: T): T {
    const kind = kindOfObject(object);
    const namespace = kind.namespaced ? (object.metadata.namespace ?? "ingestion") : undefined;
    const before = this.#store.get(kind.plural, namespace, object.metadata.name);
    const given = object as KubernetesObject as Stored;
    const done =
      before === undefined
        ? this.create(kind, namespace, given)
        : this.#store.set({ ...encoded(given), metadata: { ...before.metadata, ...given.metadata } } as Stored);
    return done as KubernetesObject as T;
  }

  /** Deletes as an administrator. */
  remove(plural: string, name: string, gracePeriodSeconds?: number): void {
    const kind = kindOf(plural);
    const namespace = kind.namespaced
      ? this.#store.all(plural).find(({ metadata }) => metadata.name === name)?.metadata.namespace
      : undefined;
    const grace = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
    this.delete(kind, namespace, name, { propagation: "Background", ...grace });
  }

  /** The pod of this name in any namespace, or the only pod whose Job has it. */
  findPod(name: string): Stored {
    const pods = this.#store.all("pods");
    const found =
      pods.find(({ metadata }) => metadata.name === name) ??
      pods.findLast(({ metadata }) => metadata.labels?.["job-name"] === name);
    if (found === undefined) throw notFound(kindOf("pods"), name);
    return found;
  }

  #update(kind: Kind, before: Stored, given: Stored, dryRun: boolean): Stored {
    const version = given.metadata.resourceVersion;
    if (version !== undefined && version !== "" && version !== before.metadata.resourceVersion) {
      throw changedInBetween(kind, before.metadata.name);
    }
    const kept = Object.fromEntries(
      SERVER_FIELDS.map((key) => [key, before.metadata[key as keyof Stored["metadata"]]]),
    );
    const status = before.status === undefined ? {} : { status: before.status };
    const next = encodedIfSecret(kind, {
      ...given,
      ...status,
      metadata: withoutUndefined({ ...given.metadata, ...kept }) as unknown as Stored["metadata"],
    });
    validate(kind, next, before);
    const changed = JSON.stringify(next.spec) !== JSON.stringify(before.spec);
    const generation =
      changed && before.metadata.generation !== undefined ? { generation: before.metadata.generation + 1 } : {};
    const object = { ...next, metadata: { ...next.metadata, ...generation } };
    if (dryRun) return object;
    const stored = this.#store.set(object);
    if (
      stored.metadata.deletionTimestamp !== undefined &&
      (stored.metadata.finalizers ?? []).length === 0 &&
      kind.plural !== "pods"
    ) {
      this.#store.remove(stored);
    }
    return stored;
  }
}

function encodedIfSecret(kind: Kind, object: Stored): Stored {
  return kind.plural === "secrets" ? encoded(object) : object;
}

function withoutUndefined(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Five letters, as Kubernetes appends them to names it makes. */
export function randomSuffix(clock: Clock): string {
  const letters = "bcdfghjklmnpqrstvwxz2456789";
  return Array.from({ length: 5 }, () => letters[Math.floor(clock.random() * letters.length)]).join("");
}
