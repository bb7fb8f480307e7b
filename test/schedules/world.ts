import { onTestFinished } from "vitest";
import { KeyedQueue } from "../../src/base/keyed-queue.ts";
import { createLog, silentLog } from "../../src/base/log.ts";
import type { Schedule } from "../../src/protocol/messages.ts";
import type { ScheduledPipeline } from "../../src/schedules/entry.ts";
import type { ScheduledOrder, ScheduledRuns, StartAnswer } from "../../src/schedules/fire.ts";
import {
  openScheduleRecords,
  type ScheduleRecord,
  type ScheduleRecords,
} from "../../src/schedules/schedule-records.ts";
import { Schedules } from "../../src/schedules/schedules.ts";
import { FakeClock } from "../fakes/clock.ts";

/** Runs that last as long as the test wants. */
export class Stage implements ScheduledRuns {
  readonly orders: (ScheduledOrder & { readonly at: number })[] = [];
  readonly live: Map<string, string> = new Map();
  readonly #clock: FakeClock;
  places = 10;
  /** Runs end at once unless this is set. */
  lasting = false;
  answer: (order: ScheduledOrder) => StartAnswer = () => ({ outcome: "started" });

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  liveRunOf(pipelineId: string): string | undefined {
    return this.live.get(pipelineId);
  }

  hasRoom(): boolean {
    return this.live.size < this.places;
  }

  async start(order: ScheduledOrder): Promise<StartAnswer> {
    const answer = this.answer(order);
    this.orders.push({ ...order, at: this.#clock.now() });
    if (answer.outcome === "started" && this.lasting) this.live.set(order.pipelineId, order.runId);
    return answer;
  }

  /** When runs were started, as times. */
  started(): string[] {
    return this.orders.map((order) => new Date(order.at).toISOString().slice(0, 16));
  }
}

/** Records that outlive the schedules of one process, in memory so that months pass fast. */
export class MemoryRecords implements ScheduleRecords {
  readonly kept: Map<string, ScheduleRecord> = new Map();
  failing = false;

  async list(): Promise<readonly ScheduleRecord[]> {
    return [...this.kept.values()];
  }

  async write(record: ScheduleRecord): Promise<void> {
    if (this.failing) throw new Error("disk full");
    this.kept.set(record.pipelineId, structuredClone(record));
  }

  async remove(pipelineId: string): Promise<void> {
    this.kept.delete(pipelineId);
  }
}

/** A pipeline with a schedule in UTC. */
export function pipeline(cron: string, changes: Partial<ScheduledPipeline> = {}): ScheduledPipeline {
  const schedule: Schedule = { cron, timeZone: "UTC" };
  return { pipelineId: crypto.randomUUID(), generation: 1, hash: "h1", enabled: true, schedule, ...changes };
}

/** Schedules on a clock that the test moves, and what they leave behind for the next process. */
export class World {
  readonly clock: FakeClock;
  readonly records: ScheduleRecords;
  readonly stage: Stage;
  readonly lines: string[] = [];

  constructor(now: string, records: ScheduleRecords = new MemoryRecords()) {
    this.clock = new FakeClock(Date.parse(now));
    this.records = records;
    this.stage = new Stage(this.clock);
  }

  /** A process takes up these pipelines and begins to fire. */
  async open(
    pipelines: readonly ScheduledPipeline[] = [],
    turns: KeyedQueue = new KeyedQueue(),
    onTurn: () => void = () => undefined,
  ): Promise<Schedules> {
    const { clock, records, stage: runs } = this;
    const log = createLog({ clock, level: "info", format: "text", write: (line) => this.lines.push(line) });
    const schedules = await Schedules.open({ records, runs, turns, clock, log, onTurn }, pipelines);
    onTestFinished(() => void schedules.stop());
    schedules.start();
    await clock.advance(0);
    return schedules;
  }

  /** Lets time pass until then, as a process that runs sees it. */
  async until(time: string): Promise<void> {
    await this.clock.advance(Date.parse(time) - this.clock.now());
  }
}

/** Records in real files. */
export function fileRecords(directory: string): Promise<ScheduleRecords> {
  return openScheduleRecords(directory, silentLog);
}
