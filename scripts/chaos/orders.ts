import { openChance } from "./chance.ts";
import type { ChaosOptions } from "./options.ts";
import { BEHAVIOURS, type Behaviour, behaviourOf, FLOOD, GATED } from "./programs.ts";
import { type ChaosSite, wait } from "./site.ts";

/** A run as the gateway's API shows it, as far as the chaos looks. */
export interface RunView {
  readonly runId: string;
  readonly pipelineId: string;
  readonly attempt: number;
  readonly state: string;
  readonly dispatch: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly exitCode?: number;
  readonly proof?: string;
  readonly logBytes: number;
  readonly logEnd?: { readonly bytes: number; readonly sha256: string };
  readonly logGaps: readonly unknown[];
  readonly failure?: { readonly category: string; readonly detail?: string };
}

const TERMINAL = new Set(["success", "failed", "partialSuccess", "stopped"]);
const PAGE = 500;

/** True for a state that a run never leaves. */
export function isEnd(state: string): boolean {
  return TERMINAL.has(state);
}

/** Orders the runs, a bounded number at a time, and watches them end. */
export class Orders {
  readonly #site: ChaosSite;
  readonly #options: ChaosOptions;
  readonly #pipelines = new Map<string, Behaviour>();
  /** How often each type was ordered: its pipelines take turns. */
  readonly #turns = new Map<string, number>();
  /** Orders that the gateway has taken, by run, with their pipeline. */
  readonly placed: Map<string, string> = new Map();
  /** Orders without an end yet. */
  readonly open: Set<string> = new Set();
  /** The end of each run as it was first seen. */
  readonly firstEnds: Map<string, string> = new Map();

  constructor(site: ChaosSite, options: ChaosOptions) {
    this.#site = site;
    this.#options = options;
  }

  get pipelineIds(): readonly string[] {
    return [...this.#pipelines.keys()];
  }

  /** What runs of a pipeline do. */
  behaviour(pipelineId: string): Behaviour | undefined {
    return this.#pipelines.get(pipelineId);
  }

  /** Deploys as many pipelines of each behaviour as keep all places busy: runs of one pipeline may have to wait for each other. */
  async deploy(): Promise<void> {
    const { concurrency } = this.#options;
    const wanted = [
      ...BEHAVIOURS.map((behaviour) => ({ behaviour, copies: 1 + Math.ceil((behaviour.weight / 100) * concurrency) })),
      { behaviour: GATED, copies: concurrency },
      { behaviour: FLOOD, copies: 1 },
    ];
    for (const { behaviour, copies } of wanted) {
      for (let copy = 0; copy < copies; copy++) {
        this.#pipelines.set(await this.#site.deploy(behaviour.type, `${behaviour.type} ${copy}`), behaviour);
      }
    }
  }

  /** Orders one run; tries as long as the gateway is away. */
  async place(behaviour: Behaviour): Promise<string> {
    const copies = [...this.#pipelines].filter(([, { type }]) => type === behaviour.type).map(([id]) => id);
    const turn = this.#turns.get(behaviour.type) ?? 0;
    this.#turns.set(behaviour.type, turn + 1);
    const pipelineId = copies[turn % copies.length] ?? "";
    for (;;) {
      try {
        const answer = await this.#site.api<{ run: RunView }>("POST", `/pipelines/${pipelineId}/run`);
        this.placed.set(answer.run.runId, pipelineId);
        this.open.add(answer.run.runId);
        return answer.run.runId;
      } catch {
        await wait(100);
      }
    }
  }

  /** Orders all runs of the round and waits for their ends; gives up when none has ended for so long. */
  async placeAll(endLimitMs: number): Promise<void> {
    const chance = openChance(this.#options.seed, "orders");
    let left = this.#options.runs;
    await this.#untilEnded(endLimitMs, async () => {
      for (; left > 0 && this.open.size < this.#options.queue; left--) await this.place(behaviourOf(chance));
    });
  }

  /** Waits for the ends of all open runs; gives up when none has ended for so long. */
  async ended(endLimitMs: number): Promise<void> {
    await this.#untilEnded(endLimitMs, async () => undefined);
  }

  async #untilEnded(endLimitMs: number, orderMore: () => Promise<void>): Promise<void> {
    let lastEnd = performance.now();
    do {
      await orderMore();
      const before = this.open.size;
      await this.look();
      if (this.open.size < before) lastEnd = performance.now();
      if (performance.now() - lastEnd > endLimitMs) return;
      await wait(200);
      await orderMore();
    } while (this.open.size > 0);
  }

  /** Sees which open runs have ended. */
  async look(): Promise<void> {
    try {
      const open = new Set((await this.list("&state=queued&state=running")).map((run) => run.runId));
      for (const runId of [...this.open].filter((candidate) => !open.has(candidate))) {
        const { state } = await this.#site.api<RunView>("GET", `/runs/${runId}`);
        if (!isEnd(state)) continue;
        this.firstEnds.set(runId, state);
        this.open.delete(runId);
      }
    } catch {
      // the gateway is away just now
    }
  }

  /** All runs of the gateway that fit the query, over all pages. */
  async list(query: string): Promise<readonly RunView[]> {
    const runs: RunView[] = [];
    let before = "";
    for (;;) {
      const page = await this.#site.api<{ runs: RunView[]; nextBefore?: string }>(
        "GET",
        `/runs?limit=${PAGE}${query}${before}`,
      );
      runs.push(...page.runs);
      if (page.nextBefore === undefined) return runs;
      before = `&before=${page.nextBefore}`;
    }
  }
}
