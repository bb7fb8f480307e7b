import { type Clock, sleep } from "../../../base/clock.ts";
import { describeError } from "../../../base/errors.ts";
import type { KubernetesObject, Resource } from "../../../kubernetes/objects.ts";
import { watchObjects } from "../../../kubernetes/reflector.ts";
import { pipelineIdIn } from "../../pods/names.ts";
import { Mending } from "./mending.ts";
import { listAll, type Place } from "./place.ts";

/** One kind of object that deployed pipelines have, and how it is seen whether somebody changed one. */
export interface Tended<T extends KubernetesObject> {
  readonly resource: Resource<T>;
  readonly labelSelector: string;
  /** Prints of the objects as they were put last, by pipeline. */
  readonly prints: ReadonlyMap<string, string>;
  /** Equal for equal objects, as far as it matters. */
  readonly printOf: (object: T) => string;
  /** An object of the kind is gone. */
  readonly onGone: () => void;
  /** True: there is the right to watch, so that changes are seen at once. */
  readonly isWatched: boolean;
  /** How often the objects are listed where they aren't watched. */
  readonly listEveryMs: number;
  /** False when what the object needs beside it isn't there. */
  readonly isWhole?: (pipelineId: string) => Promise<boolean>;
  /** What else is worth telling from time to time. */
  readonly onRound?: () => void;
}

/** What nobody tells of is looked at, one pipeline after another, so that all have had their turn after so long. */
const ROUND_MS = 60_000;
/** And no faster than this. */
const STEP_MS = 200;

/** Sees to it that what was deployed stays as it was put, whoever changes or removes it. */
export class Tending<T extends KubernetesObject> {
  readonly #place: Place;
  readonly #tended: Tended<T>;
  #mending: Mending | undefined;

  constructor(place: Place, tended: Tended<T>) {
    this.#place = place;
    this.#tended = tended;
  }

  /** Until the signal aborts. `again` puts a pipeline again and says whether something had to be written. Never throws. */
  async tend(again: (pipelineId: string) => Promise<boolean>, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#place;
    const mending = new Mending({ again, clock, log, signal });
    this.#mending = mending;
    await Promise.all([
      this.#tended.isWatched ? this.#watch(signal) : this.#listNowAndThen(signal),
      this.#goRound(mending, signal),
    ]);
  }

  /** Something of this pipeline may not be as it should: a run of its schedule is about to need it. */
  look(pipelineId: string): void {
    if (this.#tended.prints.has(pipelineId)) this.#mending?.look(pipelineId);
  }

  /** What isn't as it was deployed, for people. */
  message(): string | undefined {
    return this.#mending?.message();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { api, namespace, clock, log } = this.#place;
    const { resource, labelSelector, printOf } = this.#tended;
    const watched = watchObjects(api, resource, namespace, { selection: { labelSelector }, slim: bare, clock, log });
    watched.onChange(({ type, object }) => (type === "gone" ? this.#onGone(object) : this.#onSet(object)));
    await aborted(signal);
    await watched.close();

    /** Its print is all that is needed of an object. */
    function bare(object: T): T {
      const { name, uid, resourceVersion } = object.metadata;
      const metadata = {
        name,
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
        annotations: { [PRINT]: printOf(object) },
      };
      return { apiVersion: object.apiVersion, kind: object.kind, metadata } as unknown as T;
    }
  }

  #onSet({ metadata }: T): void {
    const pipelineId = pipelineIdIn(metadata.name);
    if (pipelineId === undefined) return;
    const print = this.#tended.prints.get(pipelineId);
    if (print !== undefined && print !== metadata.annotations?.[PRINT]) this.#mending?.look(pipelineId);
  }

  #onGone({ metadata }: T): void {
    const pipelineId = pipelineIdIn(metadata.name);
    if (pipelineId === undefined || !this.#tended.prints.has(pipelineId)) return;
    this.#tended.onGone();
    this.#mending?.look(pipelineId);
  }

  async #listNowAndThen(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#place;
    while (await slept(clock, this.#tended.listEveryMs, signal)) {
      await this.#compareList().catch((error: unknown) => {
        log.debug("What is deployed can't be listed for now", { error: describeError(error) });
      });
    }
  }

  async #compareList(): Promise<void> {
    const { resource, labelSelector, prints, printOf, onGone } = this.#tended;
    const wanted = new Map(prints);
    for (const object of await listAll(this.#place, resource, labelSelector)) {
      const pipelineId = pipelineIdIn(object.metadata.name) ?? "";
      if (wanted.get(pipelineId) === printOf(object)) wanted.delete(pipelineId);
    }
    // What was put or removed in the meantime is no change of somebody else.
    const open = [...wanted].filter(([pipelineId, print]) => prints.get(pipelineId) === print);
    if (open.length > 0) onGone();
    for (const [pipelineId] of open) this.#mending?.look(pipelineId);
  }

  async #goRound(mending: Mending, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#place;
    const { prints, isWhole, onRound } = this.#tended;
    let open: string[] = [];
    while (await slept(clock, Math.max(STEP_MS, ROUND_MS / Math.max(1, prints.size)), signal)) {
      if (open.length === 0) {
        onRound?.();
        open = [...prints.keys()];
      }
      const pipelineId = open.pop();
      if (pipelineId === undefined || isWhole === undefined || !prints.has(pipelineId)) continue;
      const whole = await isWhole(pipelineId).catch((error: unknown) => {
        log.debug("Whether a pipeline's configuration is there can't be asked for now", {
          pipeline: pipelineId,
          error: describeError(error),
        });
        return true;
      });
      if (!whole) mending.look(pipelineId);
    }
  }
}

/** Where the watch keeps an object's print. */
const PRINT = "print";

/** False when the signal aborted before. */
function slept(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  return sleep(clock, ms, signal).then(
    () => true,
    () => false,
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
