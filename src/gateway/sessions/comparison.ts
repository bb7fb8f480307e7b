import { type Clock, nextTurn } from "../../base/clock.ts";
import { CodedError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { PROTOCOL_ERRORS } from "../../protocol/errors.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { MessageBodies, PipelineKey } from "../../protocol/messages.ts";
import type { RunRecord, Store } from "../store/store.ts";
import { catchUp } from "./catch-up.ts";
import type { Link } from "./link.ts";
import type { Wanted } from "./pipeline-delivery.ts";
import { compareRuns, type ReportedRun, type RunDifference } from "./reconcile.ts";
import type { RunBook } from "./run-book.ts";
import type { WorkflowSettings } from "./workflow-config.ts";

/** A hundred thousand entries: far more than one runner can have. */
const MAX_PAGES = 200;

/** What a comparison stands on. */
export interface ComparisonOptions {
  readonly runnerId: string;
  readonly store: Store;
  readonly book: RunBook;
  readonly link: Link;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: WorkflowSettings;
}

/** Collects a runner's inventory and answers it with what the gateway knows and wants. */
export class Comparison {
  readonly #options: ComparisonOptions;
  readonly #runs = new Map<string, ReportedRun>();
  readonly #pipelines = new Map<string, PipelineKey>();
  #pages = 0;

  constructor(options: ComparisonOptions) {
    this.#options = options;
  }

  /** Adds a page; false when there are too many. @throws CodedError BadFrame when it names a pipeline or a run again */
  collect(page: MessageBodies["inventory"]): boolean {
    this.#pages++;
    for (const key of page.pipelines) addOnce(this.#pipelines, key.pipelineId, key, "pipeline");
    for (const run of page.runs) addOnce(this.#runs, run.runId, run, "run");
    return this.#pages <= MAX_PAGES;
  }

  /** After the last page: corrects what the store believes of the runs, then sends `logCursors` and `wanted`. */
  async conclude(): Promise<{ readonly wanted: Wanted; readonly difference: RunDifference }> {
    const { runnerId, store, book, link, clock, log, settings } = this.#options;
    const { reported, known } = await this.#ownRuns();
    const difference = compareRuns(await store.openRuns(runnerId), reported, known);
    await Promise.all([
      ...difference.waitAgain.map((runId) => book.setDispatch(runId, "waiting")),
      ...difference.accepted.map((runId) => book.setDispatch(runId, "accepted")),
    ]);
    await book.settle(await store.openRuns(runnerId));
    for (const runs of pages(await this.#cursors(known))) link.send("logCursors", { runs });
    const raised = await catchUp(store, runnerId, this.#pipelines, settings, clock.now());
    if (raised > 0)
      log.warn("This gateway was behind its runner, as after a restored backup, and has caught up", {
        pipelines: raised,
      });
    const wanted = await store.wanted(runnerId);
    sendWanted(link, wanted);
    const buried = wanted.tombstones.map(({ pipelineId }) => pipelineId).filter((id) => !this.#pipelines.has(id));
    await store.noteBuried(buried, clock.now());
    return { wanted, difference };
  }

  /** Of the runs of the inventory, and of those that aren't in it, because their end is acknowledged, though their log isn't whole. */
  async #cursors(known: ReadonlyMap<string, RunRecord>): Promise<MessageBodies["logCursors"]["runs"]> {
    const unfinished = await this.#options.store.unfinishedLogs(this.#options.runnerId);
    return [
      ...[...known.values()].map((run) => ({ runId: run.runId, offset: run.logBytes })),
      ...unfinished.filter(({ runId }) => !known.has(runId)).map(({ runId, bytes }) => ({ runId, offset: bytes })),
    ];
  }

  /** Runs of the inventory that are this runner's own, and those of them that are known here. */
  async #ownRuns(): Promise<{
    readonly reported: readonly ReportedRun[];
    readonly known: ReadonlyMap<string, RunRecord>;
  }> {
    const { store, runnerId } = this.#options;
    const known = new Map<string, RunRecord>();
    const reported: ReportedRun[] = [];
    const ownPipelines = new Set(await store.pipelineIds(runnerId));
    for (const page of pages([...this.#runs.values()])) {
      // However long an inventory is, others get their turn.
      await nextTurn();
      const found = await store.findRuns(page.map((moment) => moment.runId));
      const runs = new Map(found.map((run) => [run.runId, run]));
      for (const moment of page) {
        const run = runs.get(moment.runId);
        // One that isn't known here was started by a schedule, so its pipeline tells whose it is.
        const isOwn = run === undefined ? ownPipelines.has(moment.pipelineId) : run.runnerId === runnerId;
        if (!isOwn) continue;
        reported.push(moment);
        if (run !== undefined) known.set(moment.runId, run);
      }
    }
    return { reported, known };
  }
}

function addOnce<T>(entries: Map<string, T>, id: string, entry: T, kind: string): void {
  if (entries.has(id)) {
    throw new CodedError(PROTOCOL_ERRORS.BadFrame, `Cannot take the inventory: it names ${kind} ${id} more than once`);
  }
  entries.set(id, entry);
}

function sendWanted(link: Link, wanted: Wanted): void {
  const pipelines = pages(wanted.pipelines);
  const tombstones = pages(wanted.tombstones);
  const count = Math.max(pipelines.length, tombstones.length);
  for (let page = 0; page < count; page++) {
    link.send("wanted", {
      pipelines: [...(pipelines[page] ?? [])],
      tombstones: [...(tombstones[page] ?? [])],
      last: page === count - 1,
    });
  }
}

/** Cut into pages; one empty page when there is nothing, because the other side waits for it. */
function pages<T>(entries: readonly T[]): T[][] {
  const cut: T[][] = [];
  for (let start = 0; start < entries.length || start === 0; start += LIMITS.pageEntries) {
    cut.push(entries.slice(start, start + LIMITS.pageEntries));
  }
  return cut;
}
