import type { KubernetesObject } from "./objects.ts";
import type { Change } from "./watched.ts";

/** The objects of a reflector by name. What is put in is compared with what is there, so that only differences are told. */
export class ObjectStore<T extends KubernetesObject> {
  readonly #objects = new Map<string, T>();
  readonly #listeners = new Set<(change: Change<T>) => void>();
  readonly #slim: (object: T) => T;

  constructor(slim: ((object: T) => T) | undefined) {
    this.#slim = slim ?? ((object) => object);
  }

  get size(): number {
    return this.#objects.size;
  }

  get(name: string): T | undefined {
    return this.#objects.get(name);
  }

  all(): Iterable<T> {
    return this.#objects.values();
  }

  onChange(listener: (change: Change<T>) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Puts an object in. One of the same name with another UID is gone: that it was deleted was missed. */
  set(object: T): void {
    const { name, uid, resourceVersion } = object.metadata;
    const before = this.#objects.get(name);
    const sameObject = before?.metadata.uid === uid;
    if (before !== undefined && sameObject && before.metadata.resourceVersion === resourceVersion) return;
    const kept = this.#slim(withoutManagedFields(object));
    if (before !== undefined && !sameObject) this.#gone(before);
    this.#objects.set(name, kept);
    this.#tell({ type: "set", object: kept });
  }

  /** Takes an object out; `last` is its last state. */
  remove(last: T): void {
    if (this.#objects.has(last.metadata.name)) this.#gone(this.#slim(withoutManagedFields(last)));
  }

  /** Takes out whatever isn't named. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const [name, object] of [...this.#objects]) if (!names.has(name)) this.#gone(object);
  }

  #gone(object: T): void {
    this.#objects.delete(object.metadata.name);
    this.#tell({ type: "gone", object });
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** Who wrote which field: often half of an object, and of no use here. */
function withoutManagedFields<T extends KubernetesObject>(object: T): T {
  const { managedFields: _dropped, ...metadata } = object.metadata as T["metadata"] & {
    readonly managedFields?: unknown;
  };
  return { ...object, metadata };
}
