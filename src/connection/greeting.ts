import type { Log } from "../base/log.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { MessageBodies, PipelineKey } from "../protocol/messages.ts";
import type { LogWindow } from "./log-window.ts";
import type { RunnerSide } from "./runner-side.ts";

/** Wanted pages beyond this many (a million pipelines) are a mistake of the other side. */
const MAX_WANTED_PAGES = 2_000;

/** What the greeting needs of its session. */
export interface GreetingOptions {
  readonly side: RunnerSide;
  readonly window: LogWindow;
  readonly log: Log;
  readonly send: <T extends "inventory" | "fetch" | "inStep">(type: T, body: MessageBodies[T]) => void;
  /** False when the session has ended; then nothing more is to be sent. */
  readonly isOpen: () => boolean;
  readonly onInventory: () => void;
  readonly onInStep: () => void;
  /** The runner failed. */
  readonly onFailure: (error: unknown) => void;
}

/** From `welcome` to `inStep`: each side states what it has or wants, and the runner acts on the difference. */
export class Greeting {
  readonly #options: GreetingOptions;
  readonly #cursors = new Map<string, number>();
  readonly #wanted: { pipelines: PipelineKey[]; tombstones: { pipelineId: string; generation: number }[] } = {
    pipelines: [],
    tombstones: [],
  };
  #pages = 0;
  #wantedIsWhole = false;

  constructor(options: GreetingOptions) {
    this.#options = options;
  }

  /** Sends the inventory, page by page. */
  begin(): void {
    this.#attempt(async () => {
      const { pipelines, runs } = await this.#options.side.inventory();
      const pages = Math.max(1, Math.ceil(Math.max(pipelines.length, runs.length) / LIMITS.pageEntries));
      for (let page = 0; page < pages && this.#options.isOpen(); page++) {
        this.#options.send("inventory", {
          pipelines: pageOf(pipelines, page),
          runs: pageOf(runs, page).map(({ runId, pipelineId, attempt, state }) => ({
            runId,
            pipelineId,
            attempt,
            state,
          })),
          last: page === pages - 1,
        });
      }
      if (this.#options.isOpen()) this.#options.onInventory();
    });
  }

  /** Takes a page of cursors; false when no more were to come, as the first page of `wanted` ends them. */
  onLogCursors(body: MessageBodies["logCursors"]): boolean {
    if (this.#pages > 0) return false;
    for (const { runId, offset } of body.runs) this.#cursors.set(runId, offset);
    return true;
  }

  /** Takes a page of wanted pipelines; false when no more were to come. */
  onWanted(body: MessageBodies["wanted"]): boolean {
    if (this.#wantedIsWhole || ++this.#pages > MAX_WANTED_PAGES) return false;
    this.#wanted.pipelines.push(...body.pipelines);
    this.#wanted.tombstones.push(...body.tombstones);
    if (body.last) {
      this.#wantedIsWhole = true;
      this.#attempt(() => this.#getInStep());
    }
    return true;
  }

  async #getInStep(): Promise<void> {
    const { side, window, log, send, isOpen, onInStep } = this.#options;
    await window.rewind(this.#cursors);
    if (!isOpen()) return;
    const difference = await side.compare(this.#wanted);
    if (!isOpen()) return;
    for (const pipelineId of difference.fetch) send("fetch", { pipelineId });
    const orphans = difference.orphans.slice(0, LIMITS.pageEntries);
    send("inStep", { fetched: difference.fetch.length, deleted: difference.deleted, orphans });
    const counts = { fetched: difference.fetch.length, deleted: difference.deleted };
    log.info("In step with the gateway", { ...counts, orphans: difference.orphans.length });
    onInStep();
  }

  #attempt(work: () => Promise<void>): void {
    work().catch((error: unknown) => {
      if (this.#options.isOpen()) this.#options.onFailure(error);
    });
  }
}

function pageOf<T>(entries: readonly T[], page: number): T[] {
  return entries.slice(page * LIMITS.pageEntries, (page + 1) * LIMITS.pageEntries);
}
