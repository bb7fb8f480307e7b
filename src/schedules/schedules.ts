import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { KeyedQueue } from "../base/keyed-queue.ts";
import type { Log } from "../base/log.ts";
import type { Schedule } from "../protocol/messages.ts";
import {
  beginEntry,
  type Entry,
  goOnFrom,
  recordOf,
  type ScheduledPipeline,
  TRUSTED_STEP_BACK_MS,
  takeDue,
} from "./entry.ts";
import { type FireCounts, fields, fire, type ScheduledRuns, settle } from "./fire.ts";
import type { ScheduleRecord, ScheduleRecords } from "./schedule-records.ts";

/** The wall clock is looked at this often at least, because it may be set, and a timer sleeps through a suspended machine. */
const MAX_SLEEP_MS = 30_000;

/** What schedules stand on. */
export interface SchedulesOptions {
  readonly records: ScheduleRecords;
  readonly runs: ScheduledRuns;
  /** Keeps what happens to one pipeline in order; shared with the operations of the gateway. */
  readonly turns: KeyedQueue;
  readonly clock: Clock;
  readonly log: Log;
  /** Told as often as the loop goes on: at each look at the schedules and after each fire. */
  readonly onTurn?: () => void;
}

/**
 * The schedules of the deployed pipelines. Each turn of its one timer looks at all of them and at the wall clock; a fire
 * that has come becomes a run, waits for a place, or is skipped because a run of its pipeline is live (docs/adr/0010).
 */
export class Schedules {
  readonly #options: SchedulesOptions;
  readonly #entries = new Map<string, Entry>();
  /** Pipelines with a waiting fire, in the order in which these came. */
  readonly #waiting = new Set<string>();
  readonly #counts: FireCounts = { started: 0, skipped: 0, missed: 0 };
  #cancelTimer: (() => void) | undefined;
  #working: Promise<void> | undefined;
  #again = false;
  #running = false;
  #lastTurn: number;

  private constructor(options: SchedulesOptions) {
    this.#options = options;
    this.#lastTurn = options.clock.now();
  }

  /** Takes up the schedules of these pipelines where they were left. Nothing fires before `start`. @throws what the records throw */
  static async open(options: SchedulesOptions, pipelines: readonly ScheduledPipeline[]): Promise<Schedules> {
    const schedules = new Schedules(options);
    const records = new Map((await options.records.list()).map((record) => [record.pipelineId, record]));
    for (const pipeline of pipelines) {
      if (fires(pipeline)) await schedules.#takeUp(pipeline, records.get(pipeline.pipelineId));
    }
    for (const pipelineId of records.keys()) {
      if (!schedules.#entries.has(pipelineId)) await options.records.remove(pipelineId);
    }
    return schedules;
  }

  /** Begins to fire; what was missed while nobody watched comes first. */
  start(): void {
    this.#running = true;
    this.wake();
  }

  /** Fires nothing more; resolves when what was being started is. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#cancelTimer?.();
    await this.#working;
  }

  /** Something may be to do: time has passed, or a place for a run is free. */
  wake(): void {
    if (!this.#running) return;
    this.#again = true;
    this.#working ??= this.#work();
  }

  /**
   * A pipeline was deployed, switched, or found as it was; called in its turn. A new version goes on from now: nothing is
   * made up for that came before. A waiting fire stays if the schedule is the same. @throws what the records throw
   */
  async set(pipeline: ScheduledPipeline): Promise<void> {
    const { records, clock } = this.#options;
    const old = this.#entries.get(pipeline.pipelineId);
    if (!fires(pipeline)) return this.remove(pipeline.pipelineId);
    if (old?.generation === pipeline.generation && old.hash === pipeline.hash) return;
    const kept = old !== undefined && isSame(old.schedule, pipeline.schedule) ? old.waiting : undefined;
    const now = clock.now();
    // Behind a clock that was set back, what has fired stays fired.
    const reached = old === undefined ? now : Math.max(now, goOnFrom(old.considered, now));
    const considered = kept === undefined || kept.runId !== undefined ? reached : (old?.considered ?? now);
    const entry = beginEntry(pipeline, considered, kept);
    await records.write(recordOf(entry, runOf(entry)));
    this.#put(entry);
    this.wake();
  }

  /** The pipeline's runs were told to stop, so a fire that waits for a place gives way; called in its turn. @throws what the records throw */
  async dropWaiting(pipelineId: string): Promise<void> {
    const { records, log } = this.#options;
    const entry = this.#entries.get(pipelineId);
    if (entry?.waiting === undefined) return;
    const { waiting } = entry;
    await settle(entry, waiting, { records });
    this.#waiting.delete(pipelineId);
    this.#counts.skipped++;
    log.info("A scheduled run that waited was dropped, because its pipeline was told to stop", fields(entry, waiting));
  }

  /** A pipeline is gone or fires no longer; called in its turn. @throws what the records throw */
  async remove(pipelineId: string): Promise<void> {
    this.#entries.delete(pipelineId);
    this.#waiting.delete(pipelineId);
    await this.#options.records.remove(pipelineId);
  }

  /** Since the start of this process. */
  counts(): Readonly<FireCounts> {
    return { ...this.#counts };
  }

  /** Schedules that fire, and fires that wait for a place. */
  sizes(): { readonly schedules: number; readonly waiting: number } {
    return { schedules: this.#entries.size, waiting: this.#waiting.size };
  }

  async #takeUp(pipeline: ScheduledPipeline & { readonly schedule: Schedule }, found?: ScheduleRecord): Promise<void> {
    const { records, clock, log } = this.#options;
    const now = clock.now();
    const known = found?.generation === pipeline.generation && found.hash === pipeline.hash ? found : undefined;
    const considered = known === undefined ? now : goOnFrom(known.considered, now);
    try {
      const entry = beginEntry(pipeline, considered, known?.run);
      if (considered !== known?.considered) await records.write(recordOf(entry, runOf(entry)));
      this.#put(entry);
    } catch (error) {
      log.error("A schedule can't be taken up and fires nothing", { pipeline: pipeline.pipelineId, error });
    }
  }

  #put(entry: Entry): void {
    this.#entries.set(entry.pipelineId, entry);
    if (entry.waiting === undefined) this.#waiting.delete(entry.pipelineId);
    else this.#waiting.add(entry.pipelineId);
  }

  async #work(): Promise<void> {
    // The first await lets `#working` be assigned before the loop can end.
    await Promise.resolve();
    while (this.#again && this.#running) {
      this.#again = false;
      this.#options.onTurn?.();
      try {
        await this.#turn();
      } catch (error) {
        // The timer tries again.
        this.#options.log.error("Cannot see which schedules are due", { error });
      }
    }
    this.#working = undefined;
    this.#arm();
  }

  async #turn(): Promise<void> {
    const { clock, runs } = this.#options;
    const now = clock.now();
    if (now < this.#lastTurn - TRUSTED_STEP_BACK_MS) this.#forgetWrongTime(now);
    this.#lastTurn = now;
    for (const entry of this.#entries.values()) this.#takeDue(entry, now);
    let room = runs.hasRoom();
    for (const pipelineId of [...this.#waiting]) {
      if (!this.#running) return;
      // One that is skipped needs no place and shall not wait for one.
      if (!room && runs.liveRunOf(pipelineId) === undefined) continue;
      await this.#options.turns.run(pipelineId, () => this.#fire(pipelineId));
      this.#options.onTurn?.();
      room = runs.hasRoom();
    }
  }

  #takeDue(entry: Entry, now: number): void {
    const { came, missed } = takeDue(entry, now);
    if (!came) return;
    this.#waiting.add(entry.pipelineId);
    if (missed.length === 0) return;
    this.#counts.missed += missed.length;
    this.#options.log.warn("Scheduled runs were missed; one makes up for them", {
      pipeline: entry.pipelineId,
      first: new Date(Math.min(...missed)).toISOString(),
      due: new Date(entry.waiting?.due ?? now).toISOString(),
    });
  }

  async #fire(pipelineId: string): Promise<void> {
    const { records, runs, log, clock } = this.#options;
    const entry = this.#entries.get(pipelineId);
    if (entry?.waiting === undefined || !this.#running) return;
    try {
      const decided = await fire(entry, { records, runs, log, counts: this.#counts, now: clock.now() });
      if (decided) this.#waiting.delete(pipelineId);
    } catch (error) {
      log.error("A scheduled run can't be started and is tried again", {
        ...fields(entry, entry.waiting),
        error: describeError(error),
      });
    }
  }

  /** The clock had been far ahead and is right now: schedules go on from here instead of waiting for it. */
  #forgetWrongTime(now: number): void {
    this.#options.log.warn("The clock was set back by more than a day; schedules go on from now");
    for (const entry of [...this.#entries.values()]) {
      const { waiting } = entry;
      const run = waiting?.runId === undefined ? undefined : { due: Math.min(now, waiting.due), runId: waiting.runId };
      this.#put(beginEntry({ ...entry, enabled: true }, goOnFrom(entry.considered, now), run));
    }
  }

  #arm(): void {
    if (!this.#running) return;
    const now = this.#options.clock.now();
    let wait = MAX_SLEEP_MS;
    for (const { next } of this.#entries.values()) if (next !== undefined) wait = Math.min(wait, next - now);
    this.#cancelTimer?.();
    this.#cancelTimer = this.#options.clock.schedule(Math.max(1, wait), () => this.wake());
  }
}

function fires(pipeline: ScheduledPipeline): pipeline is ScheduledPipeline & { readonly schedule: Schedule } {
  return pipeline.enabled && pipeline.schedule !== undefined;
}

function isSame(a: Schedule, b: Schedule): boolean {
  return a.cron === b.cron && a.timeZone === b.timeZone;
}

/** A waiting run whose id was made durable and has to stay so. */
function runOf({ waiting }: Entry): { readonly runId: string; readonly due: number } | undefined {
  return waiting?.runId === undefined ? undefined : { runId: waiting.runId, due: waiting.due };
}
