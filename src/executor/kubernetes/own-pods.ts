import type { Clock } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Pod } from "../../kubernetes/objects.ts";
import type { Change, Watched } from "../../kubernetes/watched.ts";
import { Turns } from "./turns.ts";

/** What it takes to look for a pod that the watch has lost. */
export interface OwnPodsOptions {
  /** The pod as it is now, whatever labels of ours it has; undefined when it is gone. */
  readonly find: (pod: Pod) => Promise<Pod | undefined>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A pod that the watch doesn't tell of is looked at so often. */
const LOOK_MS = 5_000;
/** Looks at once. */
const AT_ONCE = 4;

/**
 * The watched pods, and those that only left the selection, as when somebody took a label off them: a pod is told as gone when it
 * is gone. What was being deleted or has ended is taken at the watch's word.
 */
export class OwnPods implements Watched<Pod> {
  readonly #watched: Watched<Pod>;
  readonly #options: OwnPodsOptions;
  readonly #listeners = new Set<(change: Change<Pod>) => void>();
  /** As they were seen last. */
  readonly #lost = new Map<string, Pod>();
  readonly #timers = new Set<() => void>();
  readonly #turns = new Turns(AT_ONCE);
  #closed = false;

  constructor(watched: Watched<Pod>, options: OwnPodsOptions) {
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

  get(name: string): Pod | undefined {
    return this.#watched.get(name) ?? this.#lost.get(name);
  }

  *all(): Iterable<Pod> {
    yield* this.#watched.all();
    yield* this.#lost.values();
  }

  onChange(listener: (change: Change<Pod>) => void): () => void {
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

  #onChange(change: Change<Pod>): void {
    const { type, object } = change;
    const { name } = object.metadata;
    this.#lost.delete(name);
    if (type === "set" || isEnding(object) || isOver(object)) {
      this.#tell(change);
      return;
    }
    this.#lost.set(name, object);
    void this.#look(object);
  }

  async #look(last: Pod): Promise<void> {
    const { name } = last.metadata;
    const isLost = (): boolean => !this.#closed && this.#lost.get(name) === last;
    try {
      const found = await this.#turns.take(() => (isLost() ? this.#options.find(last) : Promise.resolve(last)));
      if (isLost()) this.#onFound(last, found);
    } catch (error) {
      this.#options.log.debug("A pod that is lost from view can't be looked for", {
        pod: name,
        error: describeError(error),
      });
      if (isLost()) this.#lookLater(last);
    }
  }

  #onFound(last: Pod, found: Pod | undefined): void {
    const { name } = last.metadata;
    this.#lost.delete(name);
    if (found === undefined) {
      this.#tell({ type: "gone", object: last });
      return;
    }
    const labels = { ...found.metadata.labels, ...last.metadata.labels };
    const now: Pod = { ...found, metadata: { ...found.metadata, labels } };
    this.#options.log.debug("A pod is there that the watch doesn't tell of: a label was taken off it", { pod: name });
    if (!isOver(now)) {
      this.#lost.set(name, now);
      this.#lookLater(now);
    }
    if (now.metadata.resourceVersion !== last.metadata.resourceVersion) this.#tell({ type: "set", object: now });
  }

  #lookLater(pod: Pod): void {
    const cancel = this.#options.clock.schedule(
      LOOK_MS,
      () => {
        this.#timers.delete(cancel);
        void this.#look(pod);
      },
      { unref: true },
    );
    this.#timers.add(cancel);
  }

  #tell(change: Change<Pod>): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function isEnding({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function isOver({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}
