import type { KubernetesObject } from "./objects.ts";

/** What happened to an object of a reflector. A relist tells only the differences. */
export type Change<T> = { readonly type: "set" | "gone"; readonly object: T };

/**
 * The objects of one kind and selection as a reflector last saw them, slimmed on arrival. Reads are local and cheap;
 * a listener is called after the store has changed and must not throw or wait.
 */
export interface Watched<T extends KubernetesObject> {
  /** Resolves when the first list is in; rejects when the signal aborts. */
  ready(signal: AbortSignal): Promise<void>;
  get(name: string): T | undefined;
  all(): Iterable<T>;
  readonly size: number;
  onChange(listener: (change: Change<T>) => void): () => void;
  /** Milliseconds of the monotonic clock since the server last said anything, bookmarks included; for readiness. */
  silentMs(): number;
  /** Why the server isn't heard, as the last try found; undefined when it was heard since. */
  trouble(): string | undefined;
  /** Watches no more. */
  close(): Promise<void>;
}
