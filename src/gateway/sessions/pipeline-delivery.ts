import type { Clock } from "../../base/clock.ts";
import { describeError, isKind } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { PROTOCOL_ERRORS } from "../../protocol/errors.ts";
import type { PipelineKey } from "../../protocol/messages.ts";
import { GATEWAY_ERRORS } from "../errors.ts";
import type { Store } from "../store/store.ts";
import { ByteGate } from "./byte-gate.ts";
import { Flights } from "./flights.ts";
import type { Operations } from "./operations.ts";
import type { RefusedPipeline, VerdictBody } from "./sessions.ts";
import { pipelineBody, type WorkflowSettings } from "./workflow-config.ts";

/** Bodies may be large, so only a few are on the way at a time. */
const MAX_UNDER_WAY = 8;
/** Orders to stop a run stand behind what is under way: on a line of 64 kbit/s this takes 8 s. */
const MAX_BYTES_UNDER_WAY = 65_536;

/** What a store's `wanted` answers. */
export type Wanted = Awaited<ReturnType<Store["wanted"]>>;

/** What the delivery of pipelines stands on. */
export interface PipelineDeliveryOptions {
  readonly runnerId: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly operations: Operations;
  readonly settings: WorkflowSettings;
  /** Something was delivered or may be tried again. */
  readonly wake: () => void;
}

/** Brings the pipelines of one runner into step with what is wanted: knows what it has, and sends the difference. */
export class PipelineDelivery {
  readonly #options: PipelineDeliveryOptions;
  readonly #flights: Flights;
  readonly #gate = new ByteGate(MAX_BYTES_UNDER_WAY);
  readonly #has = new Map<string, PipelineKey>();
  readonly #fetched = new Set<string>();
  readonly #refused = new Map<string, RefusedPipeline>();

  constructor(options: PipelineDeliveryOptions) {
    this.#options = options;
    this.#flights = new Flights(options.clock, MAX_UNDER_WAY, options.wake, (key, error) => {
      if (!isKind(error, GATEWAY_ERRORS.RunnerNotConnected)) {
        options.log.warn("Cannot deliver a pipeline", { task: key, error });
      }
    });
  }

  /** Notes what the inventory says the runner has. */
  reported(pipelines: readonly PipelineKey[]): void {
    for (const key of pipelines) this.#has.set(key.pipelineId, key);
  }

  /** The runner has deleted by itself what it was told to have a tombstone. */
  deletedByRunner(tombstones: Wanted["tombstones"]): void {
    for (const { pipelineId, generation } of tombstones) {
      if ((this.#has.get(pipelineId)?.generation ?? 0) <= generation) this.#has.delete(pipelineId);
    }
  }

  /** The runner asks for a body. Asking for what isn't wanted is answered with nothing. */
  fetch(pipelineId: string): void {
    this.#fetched.add(pipelineId);
  }

  /** What the runner has of this pipeline, as far as is known. */
  generationOf(pipelineId: string): number {
    return this.#has.get(pipelineId)?.generation ?? 0;
  }

  /** The runner says it doesn't have this pipeline as we thought: it is sent again. */
  forget(pipelineId: string): void {
    this.#has.delete(pipelineId);
  }

  /** Why the runner wouldn't take this generation, if so. */
  refusalOf(pipelineId: string, generation: number): RefusedPipeline | undefined {
    const refused = this.#refused.get(pipelineId);
    return refused?.generation === generation ? refused : undefined;
  }

  refused(): readonly RefusedPipeline[] {
    return [...this.#refused.values()];
  }

  /**
   * Sends what differs; before both sides have compared, only what the runner asked for.
   * Nothing is deleted without a tombstone, and a newer generation on the runner stays.
   */
  deliver(wanted: Wanted, everything: boolean): void {
    const wantedIds = new Set(wanted.pipelines.map((key) => key.pipelineId));
    for (const pipelineId of this.#fetched) if (!wantedIds.has(pipelineId)) this.#fetched.delete(pipelineId);
    const tasks: [string, () => Promise<"done" | "later">][] = [];
    for (const key of wanted.pipelines) {
      const behind = this.generationOf(key.pipelineId) < key.generation;
      const due = this.#fetched.has(key.pipelineId) || (everything && behind);
      // With the generation in the key, a new one doesn't wait for the retry of an older one that was refused.
      const task = `deploy ${key.pipelineId} ${key.generation}`;
      if (due) tasks.push([task, () => this.#deploy(key.pipelineId)]);
    }
    for (const { pipelineId, generation } of wanted.tombstones) {
      const has = this.#has.get(pipelineId);
      if (!everything || has === undefined || has.generation > generation) continue;
      tasks.push([`delete ${pipelineId}`, () => this.#delete(pipelineId, generation)]);
    }
    this.#flights.launchAll(tasks);
  }

  close(): void {
    this.#flights.close();
  }

  idle(): Promise<void> {
    return this.#flights.idle();
  }

  async #deploy(pipelineId: string): Promise<"done" | "later"> {
    const { store, operations, settings } = this.#options;
    this.#fetched.delete(pipelineId);
    const pipeline = await store.findPipeline(pipelineId);
    // Wanted, and yet not there: its row can't be read, or was changed just now.
    if (pipeline === undefined) return "later";
    if (!pipeline.deployed || pipeline.deletedAt !== undefined) return "done";
    const { generation, hash } = pipeline;
    const service = await store.findService(pipeline.serviceId);
    if (service === undefined) return this.#refuse(pipelineId, generation, "badConfig", "its service is gone");
    let verdict: VerdictBody;
    try {
      const body = await pipelineBody(store, pipeline, service, settings);
      const ask = (): Promise<VerdictBody> => operations.ask({ type: "pipeline.deploy", body: { pipeline: body } });
      verdict = await this.#gate.pass(JSON.stringify(body).length, ask);
    } catch (error) {
      const tooLarge = isKind(error, GATEWAY_ERRORS.PipelineTooLarge) || isKind(error, PROTOCOL_ERRORS.FrameTooLarge);
      if (tooLarge) return this.#refuse(pipelineId, generation, "tooLarge", describeError(error));
      if (isKind(error, PROTOCOL_ERRORS.BadFrame)) {
        return this.#refuse(pipelineId, generation, "badConfig", describeError(error));
      }
      throw error;
    }
    if (verdict.outcome === "refused") {
      const { reason, message, advice, category } = verdict;
      return this.#refuse(pipelineId, generation, reason, message, { advice, ...(category && { category }) });
    }
    if (verdict.outcome === "unsupported") {
      return this.#refuse(pipelineId, generation, "unsupported", verdict.message);
    }
    if (verdict.outcome !== "accepted") return "later";
    if (this.generationOf(pipelineId) < generation) this.#has.set(pipelineId, { pipelineId, generation, hash });
    this.#refused.delete(pipelineId);
    return "done";
  }

  async #delete(pipelineId: string, generation: number): Promise<"done" | "later"> {
    const { operations, log, runnerId, store, clock } = this.#options;
    const verdict = await operations.ask({ type: "pipeline.delete", body: { pipelineId, generation } });
    if (verdict.outcome !== "accepted") {
      log.warn("A runner would not delete a pipeline", { runnerId, pipelineId, outcome: verdict.outcome });
      return "later";
    }
    this.#has.delete(pipelineId);
    this.#refused.delete(pipelineId);
    await store.noteBuried([pipelineId], clock.now());
    return "done";
  }

  /** Tried again all the same, ever more rarely: the runner's side may change its mind. */
  #refuse(
    pipelineId: string,
    generation: number,
    reason: RefusedPipeline["reason"],
    message: string,
    told: Pick<RefusedPipeline, "advice" | "category"> = {},
  ): "later" {
    this.#refused.set(pipelineId, { pipelineId, generation, reason, message, ...told });
    this.#options.log.warn("A runner can't be given a pipeline", {
      runnerId: this.#options.runnerId,
      pipelineId,
      generation,
      reason,
      detail: message,
    });
    return "later";
  }
}
