import { CodedError } from "../base/errors.ts";
import type { PipelineBody, PipelineKey } from "../protocol/messages.ts";
import { PIPELINE_ERRORS } from "./errors.ts";
import { headOf } from "./pipeline-files.ts";
import type { PipelineHead, PipelineStore } from "./pipeline-store.ts";

/** A tombstone: the pipeline shall not exist up to this generation. */
export interface Tombstone {
  readonly pipelineId: string;
  readonly generation: number;
}

/** The difference between what a gateway wants and what is here. Nothing is deleted without a tombstone. */
export interface PipelineDifference {
  /** Missing here, or here in an older generation, with another hash, or without its body. */
  readonly fetch: readonly string[];
  /** Here, with a tombstone of at least its generation. */
  readonly remove: readonly Tombstone[];
  /** Here, not wanted, no tombstone: left alone. */
  readonly orphans: readonly PipelineKey[];
}

/** How many pipelines a runner takes, and how many bytes their bodies have together as JSON. */
export interface PipelineLimits {
  readonly most: number;
  readonly mostBytes: number;
}

const NO_LIMITS: PipelineLimits = { most: Number.POSITIVE_INFINITY, mostBytes: Number.POSITIVE_INFINITY };

/** The deployed pipelines of this runner: heads in memory, bodies in the store. */
export class Pipelines {
  readonly #store: PipelineStore;
  readonly #limits: PipelineLimits;
  readonly #heads = new Map<string, PipelineHead>();
  /** Of each body, also of those that are being written. */
  readonly #bytes = new Map<string, number>();
  #allBytes = 0;

  private constructor(store: PipelineStore, limits: PipelineLimits, heads: readonly PipelineHead[]) {
    this.#store = store;
    this.#limits = limits;
    for (const head of heads) {
      this.#heads.set(head.pipelineId, head);
      this.#count(head.pipelineId, head.bytes);
    }
  }

  /** Reads what is deployed. What is more than the limits allow stays; nothing is added to it. */
  static async open(store: PipelineStore, limits: PipelineLimits = NO_LIMITS): Promise<Pipelines> {
    return new Pipelines(store, limits, await store.list());
  }

  /** Id, generation and hash of each, for the inventory. */
  keys(): readonly PipelineKey[] {
    return [...this.#heads.values()].map(({ pipelineId, generation, hash }) => ({ pipelineId, generation, hash }));
  }

  /** What is remembered of each without reading its body. */
  heads(): readonly PipelineHead[] {
    return [...this.#heads.values()];
  }

  /** What is remembered of one, or undefined when there is no such pipeline. */
  head(pipelineId: string): PipelineHead | undefined {
    return this.#heads.get(pipelineId);
  }

  /** The newest body, or undefined. @throws CodedError PipelineUnreadable */
  read(pipelineId: string): Promise<PipelineBody | undefined> {
    return this.#heads.has(pipelineId) ? this.#store.read(pipelineId) : Promise.resolve(undefined);
  }

  /** Takes a body unless an equal or newer generation is here. @throws CodedError TooManyPipelines; whatever the store throws */
  async deploy(body: PipelineBody): Promise<void> {
    const { pipelineId } = body;
    const present = this.#heads.get(pipelineId);
    if (present !== undefined && isCurrent(present, body)) return;
    const head = headOf(body);
    this.#makeRoom(pipelineId, head.bytes);
    try {
      await this.#store.write(body);
    } catch (error) {
      this.#count(pipelineId, present?.bytes);
      throw error;
    }
    this.#heads.set(pipelineId, head);
  }

  /** True when the pipeline is here and not newer than its tombstone. */
  isBuriedBy(tombstone: Tombstone): boolean {
    const present = this.#heads.get(tombstone.pipelineId);
    return present !== undefined && present.generation <= tombstone.generation;
  }

  /** Removes a pipeline; it may be gone already. */
  async remove(pipelineId: string): Promise<void> {
    await this.#store.remove(pipelineId);
    this.#heads.delete(pipelineId);
    this.#count(pipelineId, undefined);
  }

  /** Counts the body in, if there is room. One that doesn't grow is always taken. @throws CodedError TooManyPipelines */
  #makeRoom(pipelineId: string, bytes: number): void {
    const known = this.#bytes.get(pipelineId);
    const { most, mostBytes } = this.#limits;
    const all = this.#allBytes + bytes - (known ?? 0);
    if (known === undefined && this.#bytes.size >= most) throw tooMany(`${this.#bytes.size} are here, at most ${most}`);
    if (bytes > (known ?? 0) && all > mostBytes) throw tooMany(`all would have ${all} bytes, at most ${mostBytes}`);
    this.#count(pipelineId, bytes);
  }

  #count(pipelineId: string, bytes: number | undefined): void {
    this.#allBytes += (bytes ?? 0) - (this.#bytes.get(pipelineId) ?? 0);
    if (bytes === undefined) this.#bytes.delete(pipelineId);
    else this.#bytes.set(pipelineId, bytes);
  }

  /** Compares with what the gateway wants; changes nothing. */
  compare(wanted: readonly PipelineKey[], tombstones: readonly Tombstone[]): PipelineDifference {
    const named = new Set([...wanted, ...tombstones].map((entry) => entry.pipelineId));
    const outdated = wanted.filter((key) => {
      const head = this.#heads.get(key.pipelineId);
      return head === undefined || !isCurrent(head, key);
    });
    return {
      fetch: outdated.map((key) => key.pipelineId),
      remove: tombstones.filter((tombstone) => this.isBuriedBy(tombstone)),
      orphans: this.keys().filter((key) => !named.has(key.pipelineId)),
    };
  }
}

function tooMany(state: string): CodedError {
  return new CodedError(PIPELINE_ERRORS.TooManyPipelines, `Cannot take the pipeline: ${state}`);
}

/**
 * Equal generations with different hashes happen when a gateway was restored from a backup: what it wants now counts.
 * One without its body isn't there in full.
 */
function isCurrent(present: PipelineHead, offered: PipelineKey): boolean {
  if (present.generation !== offered.generation) return present.generation > offered.generation;
  return present.hash === offered.hash && present.bodyMissing !== true;
}
