import type { Clock } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { KubernetesObject } from "../../kubernetes/objects.ts";
import type { Change, Watched } from "../../kubernetes/watched.ts";
import { Turns } from "./turns.ts";

/** What it takes to look for an object that the watch has lost. */
export interface OwnObjectsOptions<T extends KubernetesObject> {
  /** The object as it is now, whatever labels of ours it has; undefined when it is gone. */
  readonly find: (object: T) => Promise<T | undefined>;
  /** True for one of which nothing more is to be learnt. */
  readonly isOver: (object: T) => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** An object that the watch doesn't tell of is looked at so often. */
const LOOK_MS = 5_000;
/** Looks at once. */
const AT_ONCE = 4;

/**
 * The watched objects, and those that only left the selection, as when somebody took a label off them: one is told as gone when it
 * is gone. What was being deleted or is over is taken at the watch's word.
 */
export class OwnObjects<T extends KubernetesObject> implements Watched<T> {
  readonly #watched: Watched<T>;
  readonly #options: OwnObjectsOptions<T>;
  readonly #listeners = new Set<(change: Change<T>) => void>();
  /** As they were seen last. */
  readonly #lost = new Map<string, T>();
  readonly #timers = new Set<() => void>();
  readonly #turns = new Turns(AT_ONCE);
  #closed = false;

  constructor(watched: Watched<T>, options: OwnObjectsOptions<T>) {
    this.#watched = watched;
    this.#options = options;
    watched.onChange((change) => this.#onChange(change));
  }

  get size(): number {
    return this.#watched.size;
  }

  ready(signal: AbortSignal): Promise<void> {
    return this.#watched.ready(signal);
  }

  get(name: string): T | undefined {
    return this.#watched.get(name) ?? this.#lost.get(name);
  }

  *all(): Iterable<T> {
    yield* this.#watched.all();
    yield* this.#lost.values();
  }

  onChange(listener: (change: Change<T>) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  silentMs(): number {
    return this.#watched.silentMs();
  }

  trouble(): string | undefined {
    return this.#watched.trouble();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const cancel of this.#timers) cancel();
    await this.#watched.close();
  }

  #onChange(change: Change<T>): void {
    const { type, object } = change;
    const { name } = object.metadata;
    this.#lost.delete(name);
    if (type === "set" || isEnding(object) || this.#options.isOver(object)) {
      this.#tell(change);
      return;
    }
    this.#lost.set(name, object);
    void this.#look(object);
  }

  async #look(last: T): Promise<void> {
    const { name } = last.metadata;
    const isLost = (): boolean => !this.#closed && this.#lost.get(name) === last;
    try {
      const found = await this.#turns.take(() => (isLost() ? this.#options.find(last) : Promise.resolve(last)));
      if (isLost()) this.#onFound(last, found);
    } catch (error) {
      this.#options.log.debug("An object that is lost from view can't be looked for", {
        object: name,
        error: describeError(error),
      });
      if (isLost()) this.#lookLater(last);
    }
  }

  #onFound(last: T, found: T | undefined): void {
    const { name } = last.metadata;
    this.#lost.delete(name);
    if (found === undefined) {
      this.#tell({ type: "gone", object: last });
      return;
    }
    const labels = { ...found.metadata.labels, ...last.metadata.labels };
    const now: T = { ...found, metadata: { ...found.metadata, labels } };
    this.#options.log.debug("An object is there that the watch doesn't tell of: a label was taken off it", {
      object: name,
    });
    if (!this.#options.isOver(now)) {
      this.#lost.set(name, now);
      this.#lookLater(now);
    }
    if (now.metadata.resourceVersion !== last.metadata.resourceVersion) this.#tell({ type: "set", object: now });
  }

  #lookLater(object: T): void {
    const cancel = this.#options.clock.schedule(
      LOOK_MS,
      () => {
        this.#timers.delete(cancel);
        void this.#look(object);
      },
      { unref: true },
    );
    this.#timers.add(cancel);
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function isEnding({ metadata }: KubernetesObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}
