import { type Clock, sleep } from "../../base/clock.ts";
import { describeError, isKind } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { PROTOCOL_ERRORS } from "../../protocol/errors.ts";
import { GATEWAY_ERRORS } from "../errors.ts";
import type { RunRecord, StartRefusal, Store } from "../store/store.ts";
import { Flights } from "./flights.ts";
import { type Doom, judgeOffers } from "./offers.ts";
import type { Operations } from "./operations.ts";
import type { PipelineDelivery, Wanted } from "./pipeline-delivery.ts";
import type { RunBook } from "./run-book.ts";
import { RunQuestions } from "./run-questions.ts";
import type { VerdictBody, WhatChanged } from "./sessions.ts";
import { neverStarted } from "./settle.ts";
import { type StartOutcome, startOutcome } from "./start-verdict.ts";
import type { Waiting } from "./waiting.ts";

/** Everything is looked at again this often, even if nobody called. */
const LEVEL_MS = 15_000;
/** An offer is good for this long; the runner refuses it later. */
const OFFER_MS = 60_000;
const MAX_STARTS = 32;
/** Stops and questions, which needn't wait until all starts are through. */
const MORE_UNDER_WAY = 8;
/** A turn looks at everything, so between two turns there is a pause of so many times the length of the last, within a limit. */
const PAUSE_OF_TURNS = 9;
const MAX_PAUSE_MS = 500;

/** What a dispatcher stands on. */
export interface DispatcherOptions {
  readonly runnerId: string;
  readonly maxConcurrentRuns: number;
  readonly store: Store;
  readonly book: RunBook;
  readonly clock: Clock;
  readonly log: Log;
  readonly operations: Operations;
  readonly delivery: PipelineDelivery;
}

/**
 * Makes one runner do what the store says, for the life of one session. It is woken by whoever changed something, and by a
 * timer; each turn reads the state and starts what the difference asks for, so a call too many or too few does no harm.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #flights: Flights;
  readonly #questions: RunQuestions;
  /** By run, as the last turn found it. */
  #waiting: ReadonlyMap<string, Waiting> = new Map();
  #ready = false;
  #closed = false;
  /** Read anew whenever somebody may have changed it, and not because a task of ours has ended. */
  #wanted: Wanted = { pipelines: [], tombstones: [] };
  #wantedIsStale = true;
  #turning: Promise<void> | undefined;
  #again = false;
  /** Why nothing is offered for a while, and how to end the pause. */
  #pause: { readonly kind: "full" | "pause"; readonly refusal: StartRefusal; readonly cancel: () => void } | undefined;
  #cancelTimer: () => void;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#flights = new Flights(
      options.clock,
      MAX_STARTS + MORE_UNDER_WAY,
      () => this.#turnSoon(),
      (task, error) => {
        if (isKind(error, GATEWAY_ERRORS.RunnerNotConnected)) return;
        options.log.warn("Cannot carry out a task of a session", { task, error });
      },
      MORE_UNDER_WAY,
    );
    this.#questions = new RunQuestions(options, this.#flights);
    this.#cancelTimer = this.#arm();
  }

  /** Both sides have compared: operations may flow. */
  begin(): void {
    this.#ready = true;
    this.wake("pipelines");
  }

  /** What kept a run from being offered at the last look. */
  waitingOf(runId: string): Waiting | undefined {
    return this.#waiting.get(runId);
  }

  /** Runs to ask the runner about: accepted ones it didn't list, and those it knows more of. */
  doubt(runIds: readonly string[]): void {
    this.#questions.doubt(runIds);
  }

  /** Live runs that shall not be: the runner is told to stop them. */
  stopZombies(runIds: readonly string[]): void {
    this.#questions.stopZombies(runIds);
    if (runIds.length > 0) this.#turnSoon();
  }

  /** A run has ended, so there may be room again. */
  runEnded(): void {
    if (this.#pause?.kind === "full") this.#endPause();
    this.#turnSoon();
  }

  /** Something may be to do, because what the store says of runs has changed, or of pipelines too. */
  wake(changed: WhatChanged = "pipelines"): void {
    if (changed === "pipelines") this.#wantedIsStale = true;
    this.#turnSoon();
  }

  #turnSoon(): void {
    if (this.#closed) return;
    this.#again = true;
    this.#turning ??= this.#turns();
  }

  /** Starts nothing more; `idle` waits for what is under way. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    this.#endPause();
    this.#flights.close();
    this.#options.delivery.close();
  }

  async idle(): Promise<void> {
    await this.#turning;
    await Promise.all([this.#flights.idle(), this.#options.delivery.idle()]);
  }

  #arm(): () => void {
    return this.#options.clock.schedule(LEVEL_MS, () => {
      this.wake("pipelines");
      this.#cancelTimer = this.#arm();
    });
  }

  #endPause(): void {
    this.#pause?.cancel();
    this.#pause = undefined;
  }

  async #turns(): Promise<void> {
    // The first await lets `#turning` be assigned before the loop can end.
    await Promise.resolve();
    const { clock, log } = this.#options;
    while (this.#again && !this.#closed) {
      this.#again = false;
      const began = clock.monotonic();
      try {
        await this.#turn();
      } catch (error) {
        // The timer tries again.
        log.error("Cannot see what a runner shall do", { error });
      }
      // With thousands of open runs, what changes in the meantime shares the next turn.
      const pauseMs = Math.min(MAX_PAUSE_MS, PAUSE_OF_TURNS * (clock.monotonic() - began));
      if (pauseMs >= 1) await sleep(clock, pauseMs);
    }
    this.#turning = undefined;
  }

  async #turn(): Promise<void> {
    const { store, book, delivery, runnerId } = this.#options;
    const open = await book.settle(await store.openRuns(runnerId));
    if (this.#wantedIsStale) {
      // A change while it is read makes it stale again.
      this.#wantedIsStale = false;
      this.#wanted = await store.wanted(runnerId);
    }
    const wanted = this.#wanted;
    if (this.#closed) return;
    delivery.deliver(wanted, this.#ready);
    if (!this.#ready) return;
    // Offered, and no verdict is awaited: the store failed in between, so the runner has to tell.
    const unsure = open.filter((run) => run.dispatch === "offered" && !this.#flights.has(`start ${run.runId}`));
    this.#questions.doubt(unsure.map((run) => run.runId));
    this.#questions.ask(open);
    await this.#offer(open, wanted);
  }

  async #offer(open: readonly RunRecord[], wanted: Wanted): Promise<void> {
    const { maxConcurrentRuns, delivery, book } = this.#options;
    const isUnderWay = (run: RunRecord): boolean => this.#flights.has(`start ${run.runId}`);
    const pause = this.#pause?.refusal;
    const offers = judgeOffers({ open, wanted, maxConcurrentRuns, delivery, isUnderWay, pause });
    const before = this.#waiting;
    this.#waiting = offers.waiting;
    for (const run of open) {
      if (before.get(run.runId)?.text !== offers.waiting.get(run.runId)?.text) book.announce(run);
    }
    for (const { run, doom } of offers.doomed) await this.#fail(run, doom);
    if (this.#pause !== undefined) return;
    this.#flights.launchAll(
      offers.starts.map(({ run, generation }) => [`start ${run.runId}`, () => this.#start(run, generation)] as const),
    );
  }

  async #start(run: RunRecord, generation: number): Promise<"done" | "later"> {
    const { store, book, clock, operations } = this.#options;
    if (this.#closed) return "done";
    const now = clock.now();
    const fresh = await store.offerRun(run.runId, now);
    if (fresh === undefined) return "done";
    let verdict: VerdictBody;
    try {
      const { runId, pipelineId, attempt, sourceConfigOverride, appConfigOverride } = fresh;
      verdict = await operations.ask({
        type: "run.start",
        body: {
          runId,
          pipelineId,
          generation,
          attempt,
          startBefore: Math.min(fresh.startDeadline, now + OFFER_MS),
          ...(sourceConfigOverride === undefined ? {} : { sourceConfigOverride }),
          ...(appConfigOverride === undefined ? {} : { appConfigOverride }),
        },
      });
    } catch (error) {
      if (isKind(error, GATEWAY_ERRORS.RunnerBusy)) {
        const { message, advice } = error;
        await book.setDispatch(run.runId, "waiting", { message, advice });
        return "later";
      }
      const unsendable = isKind(error, PROTOCOL_ERRORS.FrameTooLarge) || isKind(error, PROTOCOL_ERRORS.BadFrame);
      // Without a verdict it stays offered: the inventory of the next session tells whether the runner has it.
      if (!unsendable) throw error;
      await this.#fail(fresh, {
        category: "ConfigError",
        summary: "The run's overrides can't be sent",
        detail: describeError(error),
      });
      return "done";
    }
    return this.#concludeStart(fresh, startOutcome(verdict));
  }

  async #concludeStart(run: RunRecord, outcome: StartOutcome): Promise<"done" | "later"> {
    const { book, clock, delivery, runnerId } = this.#options;
    if (outcome.kind === "accepted") {
      if (outcome.report === undefined) await book.setDispatch(run.runId, "accepted");
      else await book.take(runnerId, outcome.report);
      return "done";
    }
    if (outcome.kind === "failed") {
      await this.#fail(run, outcome);
      return "done";
    }
    await book.setDispatch(run.runId, "waiting", outcome.refusal);
    if (outcome.kind === "redeploy") delivery.forget(run.pipelineId);
    if (outcome.kind === "full" || outcome.kind === "pause") {
      this.#endPause();
      this.#flights.launchAll([]);
      const cancel = clock.schedule(LEVEL_MS, () => {
        this.#endPause();
        this.#turnSoon();
      });
      this.#pause = { kind: outcome.kind, refusal: outcome.refusal, cancel };
      this.#turnSoon();
      return "done";
    }
    return "later";
  }

  async #fail(run: RunRecord, doom: Doom): Promise<void> {
    const { book, clock, runnerId } = this.#options;
    await book.take(runnerId, neverStarted(run, clock.now(), doom));
  }
}
