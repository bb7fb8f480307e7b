import type { PipelineBody, PipelineKey } from "../protocol/messages.ts";
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

/** The deployed pipelines of this runner: heads in memory, bodies in the store. */
export class Pipelines {
  readonly #store: PipelineStore;
  readonly #heads = new Map<string, PipelineHead>();

  private constructor(store: PipelineStore, heads: readonly PipelineHead[]) {
    this.#store = store;
    for (const head of heads) this.#heads.set(head.pipelineId, head);
  }

  /** Reads what is deployed. */
  static async open(store: PipelineStore): Promise<Pipelines> {
    return new Pipelines(store, await store.list());
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

  /** Takes a body unless an equal or newer generation is here. */
  async deploy(body: PipelineBody): Promise<void> {
    const present = this.#heads.get(body.pipelineId);
    if (present !== undefined && isCurrent(present, body)) return;
    await this.#store.write(body);
    this.#heads.set(body.pipelineId, headOf(body));
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

/**
 * Equal generations with different hashes happen when a gateway was restored from a backup: what it wants now counts.
 * One without its body isn't there in full.
 */
function isCurrent(present: PipelineHead, offered: PipelineKey): boolean {
  if (present.generation !== offered.generation) return present.generation > offered.generation;
  return present.hash === offered.hash && present.bodyMissing !== true;
}
