import { backoffDelay } from "../base/backoff.ts";
import { type Clock, sleep } from "../base/clock.ts";
import { CodedError, describeError, errorCode, isKind } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { KubernetesApi, Selection } from "./api.ts";
import { KUBERNETES_ERRORS } from "./errors.ts";
import { ObjectStore } from "./object-store.ts";
import type { KubernetesObject, Resource } from "./objects.ts";
import type { Change, Watched } from "./watched.ts";

/** How objects are watched. */
export interface WatchObjectsOptions<T extends KubernetesObject> {
  readonly selection?: Selection;
  /** Keeps of an object what is needed; managed fields are gone already. Name, UID and resource version must stay. */
  readonly slim?: (object: T) => T;
  /** Objects a page of a list; 100 when it isn't said. */
  readonly pageSize?: number;
  /** A watch is ended by the server after at most so many seconds; 20 when it isn't said. */
  readonly watchSeconds?: number;
  /** Told when the server refuses a list or watch for a missing right. */
  readonly onForbidden?: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** A watch that goes on for so long past its end is dead. */
const MARGIN_MS = 5_000;
/** Lists and watches begin no closer together, whatever the server does. */
const PACE_MS = 1_000;
const BACKOFF = { floorMs: 0, baseMs: 1_000, capMs: 10_000 };
/** After so many failures in a row everything is listed anew, for a server that has lost its past (a restored store). */
const RELIST_AFTER = 5;

/**
 * Lists objects and watches them from now on until it is closed; heals by itself and never gives up.
 *
 * A watch is short (15 to 20 s) and then begun anew where it ended: the server sends a bookmark 2 s before the end, and one that isn't over 5 s after it is
 * dead. So a line that swallows everything is noticed within 25 s, on the very connection the watch uses, for one request in 17 s.
 */
export function watchObjects<T extends KubernetesObject>(
  api: KubernetesApi,
  resource: Resource<T>,
  namespace: string,
  options: WatchObjectsOptions<T>,
): Watched<T> {
  return new Reflector(api, resource, namespace, options);
}

class Reflector<T extends KubernetesObject> implements Watched<T> {
  readonly #api: KubernetesApi;
  readonly #resource: Resource<T>;
  readonly #namespace: string;
  readonly #options: WatchObjectsOptions<T>;
  readonly #store: ObjectStore<T>;
  readonly #stop = new AbortController();
  readonly #firstList = new Latch();
  readonly #loop: Promise<void>;
  /** Where to watch on from; undefined: list first. */
  #version: string | undefined;
  /** A list that was broken off between two pages. */
  #page: { readonly next: string; readonly names: Set<string> } | undefined;
  #calledAt = Number.NEGATIVE_INFINITY;
  #heardAt: number;
  #failures = 0;
  #told: string | undefined;
  #trouble: string | undefined;

  constructor(api: KubernetesApi, resource: Resource<T>, namespace: string, options: WatchObjectsOptions<T>) {
    this.#api = api;
    this.#resource = resource;
    this.#namespace = namespace;
    this.#options = options;
    this.#store = new ObjectStore(options.slim);
    this.#heardAt = options.clock.monotonic();
    this.#loop = this.#run();
  }

  get size(): number {
    return this.#store.size;
  }

  ready(signal: AbortSignal): Promise<void> {
    return this.#firstList.wait(signal);
  }

  get(name: string): T | undefined {
    return this.#store.get(name);
  }

  all(): Iterable<T> {
    return this.#store.all();
  }

  onChange(listener: (change: Change<T>) => void): () => void {
    return this.#store.onChange(listener);
  }

  silentMs(): number {
    return this.#options.clock.monotonic() - this.#heardAt;
  }

  trouble(): string | undefined {
    return this.#trouble;
  }

  async close(): Promise<void> {
    this.#stop.abort(new CodedError(KUBERNETES_ERRORS.ApiUnavailable, `Cannot watch ${this.#name()}: it was closed`));
    this.#firstList.fail(this.#stop.signal.reason);
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#pace();
        if (this.#version === undefined) await this.#list();
        else await this.#watch(this.#version);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        await this.#afterFailure(error).catch(() => undefined);
      }
    }
  }

  async #pace(): Promise<void> {
    const { clock } = this.#options;
    const wait = this.#calledAt + PACE_MS - clock.monotonic();
    if (wait > 0) await sleep(clock, wait, this.#stop.signal);
    this.#calledAt = clock.monotonic();
  }

  async #afterFailure(error: unknown): Promise<void> {
    if (isKind(error, KUBERNETES_ERRORS.ApiExpired)) {
      this.#version = undefined;
      this.#page = undefined;
    }
    if (isKind(error, KUBERNETES_ERRORS.ApiForbidden)) this.#options.onForbidden?.();
    this.#failures += 1;
    this.#trouble = describeError(error);
    if (this.#failures % RELIST_AFTER === 0) this.#version = undefined;
    this.#tell(error);
    const pause = backoffDelay(this.#failures - 1, BACKOFF, this.#options.clock);
    await sleep(this.#options.clock, pause, this.#stop.signal);
  }

  /** Page by page, each object taken over as it comes; what isn't in any page is gone. */
  async #list(): Promise<void> {
    const { selection, pageSize = 100 } = this.#options;
    const names = this.#page?.names ?? new Set<string>();
    let next = this.#page?.next;
    do {
      const options = { ...selection, limit: pageSize, ...(next === undefined ? {} : { continue: next }) };
      const page = await this.#api.list(this.#resource, this.#namespace, options, this.#stop.signal);
      this.#heard();
      for (const object of page.items) {
        names.add(object.metadata.name);
        this.#store.set(object);
      }
      next = page.metadata.continue === "" ? undefined : page.metadata.continue;
      this.#page = next === undefined ? undefined : { next, names };
      if (next === undefined) this.#version = page.metadata.resourceVersion ?? "0";
    } while (next !== undefined);
    this.#store.keepOnly(names);
    this.#firstList.open();
    // The first watch needn't wait.
    this.#calledAt = Number.NEGATIVE_INFINITY;
  }

  async #watch(from: string): Promise<void> {
    const { clock, selection, watchSeconds = 20 } = this.#options;
    const timeoutSeconds = Math.max(1, Math.round(watchSeconds * (0.75 + clock.random() / 4)));
    const began = clock.monotonic();
    const giveUp = new AbortController();
    const onStop = (): void => giveUp.abort(this.#stop.signal.reason);
    this.#stop.signal.addEventListener("abort", onStop, { once: true });
    const cancel = clock.schedule(timeoutSeconds * 1000 + MARGIN_MS, () => giveUp.abort(this.#silent(timeoutSeconds)));
    try {
      const options = { ...selection, resourceVersion: from, timeoutSeconds };
      const events = this.#api.watch(this.#resource, this.#namespace, options, giveUp.signal);
      for await (const event of events) {
        this.#heard();
        this.#failures = 0;
        if (event.type === "ADDED" || event.type === "MODIFIED") this.#store.set(event.object);
        else if (event.type === "DELETED") this.#store.remove(event.object);
        this.#version = event.object.metadata.resourceVersion ?? this.#version;
      }
      this.#heard();
      // An end that comes far too early, and again and again, is a failure too.
      if (clock.monotonic() - began >= timeoutSeconds * 500) this.#failures = 0;
      else if (this.#version === from) throw this.#cutShort();
    } finally {
      cancel();
      this.#stop.signal.removeEventListener("abort", onStop);
    }
  }

  #heard(): void {
    this.#heardAt = this.#options.clock.monotonic();
    this.#trouble = undefined;
    if (this.#told === undefined) return;
    this.#told = undefined;
    this.#options.log.info("The API server answers again", { watching: this.#name() });
  }

  /** A trouble is told once, not at every try. */
  #tell(error: unknown): void {
    const code = errorCode(error) ?? "unknown";
    const level = this.#told === code || isKind(error, KUBERNETES_ERRORS.ApiExpired) ? "debug" : "warn";
    this.#options.log[level]("Cannot watch for the moment, trying again", { watching: this.#name(), error });
    if (level === "warn") this.#told = code;
  }

  #silent(timeoutSeconds: number): CodedError {
    return new CodedError(
      KUBERNETES_ERRORS.ApiUnavailable,
      `Cannot watch ${this.#name()}: the watch should have ended after ${timeoutSeconds} s and didn't`,
      { facts: { failure: "silent" } },
    );
  }

  #cutShort(): CodedError {
    return new CodedError(KUBERNETES_ERRORS.ApiUnavailable, `Cannot watch ${this.#name()}: the server ends it at once`);
  }

  #name(): string {
    return `${this.#resource.plural} in ${this.#namespace}`;
  }
}

/** Something that happens once and is waited for. */
class Latch {
  readonly #done: Promise<void>;
  #settle: { readonly open: () => void; readonly fail: (reason: unknown) => void } | undefined;

  constructor() {
    this.#done = new Promise((open, fail) => {
      this.#settle = { open, fail };
    });
    this.#done.catch(() => undefined);
  }

  open(): void {
    this.#settle?.open();
  }

  fail(reason: unknown): void {
    this.#settle?.fail(reason);
  }

  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const onAbort = (): void => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#done.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    });
  }
}
