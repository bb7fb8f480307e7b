import type { KubernetesObject } from "../../../src/kubernetes/objects.ts";
import { kindOfObject, type Stored } from "./kinds.ts";

/** One change of an object. */
export interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly plural: string;
  readonly version: number;
  readonly object: Stored;
  /** How it was before. */
  readonly before?: Stored;
}

/** As many changes can be watched from the past. */
const MOST_HISTORY = 20_000;

/** What the cluster knows: objects by kind and name, each change with a number of its own, and the changes of the past. */
export class ObjectStore {
  readonly #objects = new Map<string, Map<string, Stored>>();
  readonly #listeners = new Set<(change: Change) => void>();
  #history: Change[] = [];
  #version = 100;
  #oldest = 100;

  /** Number of the last change: the resource version of a list. */
  get version(): number {
    return this.#version;
  }

  /** Changes after this one can be told; earlier ones are forgotten. */
  get oldest(): number {
    return this.#oldest;
  }

  /** Forgets the past. */
  compact(): void {
    this.#history = [];
    this.#oldest = this.#version + 1;
    this.#version += 1;
  }

  /** Every object of a kind, by namespace and name. */
  all<T extends KubernetesObject = Stored>(plural: string, namespace?: string): readonly T[] {
    const found = [...(this.#objects.get(plural) ?? [])]
      .filter(([, object]) => namespace === undefined || object.metadata.namespace === namespace)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return found.map(([, object]) => object as KubernetesObject as T);
  }

  get<T extends KubernetesObject = Stored>(plural: string, namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(plural)?.get(keyOf(namespace, name)) as KubernetesObject as T | undefined;
  }

  /** The object of this UID. */
  withUid(uid: string): Stored | undefined {
    for (const objects of this.#objects.values()) {
      for (const object of objects.values()) if (object.metadata.uid === uid) return object;
    }
    return undefined;
  }

  /** Keeps an object in place of the one of its name. Without a difference nothing happens, as in the real store. */
  set(object: KubernetesObject): Stored {
    const { plural } = kindOfObject(object);
    const before = this.get(plural, object.metadata.namespace, object.metadata.name);
    if (before !== undefined && sameContent(before, object)) return before;
    const version = ++this.#version;
    const copy = structuredClone(object) as Stored;
    const stored: Stored = { ...copy, metadata: { ...copy.metadata, resourceVersion: String(version) } };
    const objects = this.#objects.get(plural) ?? new Map<string, Stored>();
    this.#objects.set(plural, objects.set(keyOf(stored.metadata.namespace, stored.metadata.name), stored));
    const type = before === undefined ? "ADDED" : "MODIFIED";
    this.#tell({ type, plural, version, object: stored, ...(before === undefined ? {} : { before }) });
    return stored;
  }

  /** Changes the object of this name, if there is one. */
  change<T extends KubernetesObject>(object: T, changed: (now: T) => KubernetesObject): T | undefined {
    const { plural } = kindOfObject(object);
    const now = this.get<T>(plural, object.metadata.namespace, object.metadata.name);
    if (now === undefined || now.metadata.uid !== object.metadata.uid) return undefined;
    return this.set(changed(now)) as KubernetesObject as T;
  }

  /** Removes an object for good, whatever finalizers it has. */
  remove(object: KubernetesObject): void {
    const { plural } = kindOfObject(object);
    const key = keyOf(object.metadata.namespace, object.metadata.name);
    const before = this.#objects.get(plural)?.get(key);
    if (before === undefined || before.metadata.uid !== object.metadata.uid) return;
    this.#objects.get(plural)?.delete(key);
    const version = ++this.#version;
    const last: Stored = { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } };
    this.#tell({ type: "DELETED", plural, version, object: last, before });
  }

  /** Changes after a version, oldest first; undefined when they are forgotten. */
  since(version: number, plural: string): readonly Change[] | undefined {
    if (version < this.#oldest) return undefined;
    return this.#history.filter((change) => change.version > version && change.plural === plural);
  }

  /** Calls `listener` after each change, in order; the answer ends that. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(change: Change): void {
    this.#history.push(change);
    if (this.#history.length > MOST_HISTORY) {
      this.#history = this.#history.slice(-MOST_HISTORY / 2);
      this.#oldest = (this.#history[0]?.version ?? this.#version) - 1;
    }
    for (const listener of [...this.#listeners]) listener(change);
  }
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ""}/${name}`;
}

function sameContent(before: Stored, after: KubernetesObject): boolean {
  const { resourceVersion: _, ...metadata } = after.metadata;
  const { resourceVersion: __, ...old } = before.metadata;
  return JSON.stringify(sorted({ ...before, metadata: old })) === JSON.stringify(sorted({ ...after, metadata }));
}

/** The same with keys in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, sorted(field)]),
  );
}
