import type {
  Difference,
  LogChunk,
  LogSource,
  Operation,
  RunnerSide,
  Verdict,
  WantedPipelines,
} from "../../src/connection/runner-side.ts";
import type { PipelineKey, RunReport } from "../../src/protocol/messages.ts";
import { joinBytes } from "./bytes.ts";

/** Logs that lie in memory and are read by byte offset, as an executor's lie in files. */
export class FakeLogs implements LogSource {
  readonly #bytes = new Map<string, Uint8Array>();
  readonly #cursors = new Map<string, number>();
  /** What `next` was asked for. */
  readonly asked: number[] = [];
  readonly rewinds: ReadonlyMap<string, number>[] = [];
  readonly delivered: LogChunk[] = [];
  /** Called before each chunk is given, to be slow with. */
  pause: () => Promise<void> = async () => undefined;

  write(runId: string, text: string): void {
    const known = this.#bytes.get(runId) ?? new Uint8Array(0);
    this.#bytes.set(runId, joinBytes(known, new TextEncoder().encode(text)));
  }

  text(runId: string): string {
    return new TextDecoder().decode(this.#bytes.get(runId));
  }

  async next(maxBytes: number): Promise<LogChunk | undefined> {
    this.asked.push(maxBytes);
    await this.pause();
    for (const [runId, bytes] of this.#bytes) {
      const offset = this.#cursors.get(runId) ?? 0;
      let end = Math.min(bytes.length, offset + maxBytes);
      while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
      if (end <= offset) continue;
      this.#cursors.set(runId, end);
      return { runId, offset, text: new TextDecoder().decode(bytes.subarray(offset, end)) };
    }
    return undefined;
  }

  rewind(cursors: ReadonlyMap<string, number>): void {
    this.rewinds.push(new Map(cursors));
    for (const runId of this.#bytes.keys()) this.#cursors.set(runId, cursors.get(runId) ?? 0);
  }

  acknowledged(chunk: LogChunk): void {
    this.delivered.push(chunk);
  }
}

/** The rest of a runner, as the connection sees it; each part may be replaced by a test. */
export class FakeRunnerSide implements RunnerSide {
  pipelines: PipelineKey[] = [];
  runs: Pick<RunReport, "runId" | "pipelineId" | "attempt" | "state">[] = [];
  readonly acknowledgedReports: RunReport[] = [];
  readonly wanted: WantedPipelines[] = [];
  readonly operations: { readonly operation: Operation; readonly clockOffsetMs: number }[] = [];
  readonly logs: FakeLogs = new FakeLogs();
  onCompare: (wanted: WantedPipelines) => Promise<Difference> = async () => ({ fetch: [], deleted: 0, orphans: [] });
  onOperate: (operation: Operation) => Promise<Verdict> = async () => ({ outcome: "accepted" });

  async inventory(): ReturnType<RunnerSide["inventory"]> {
    return { pipelines: this.pipelines, runs: this.runs };
  }

  compare(wanted: WantedPipelines): Promise<Difference> {
    this.wanted.push(wanted);
    return this.onCompare(wanted);
  }

  operate(operation: Operation, clockOffsetMs: number): Promise<Verdict> {
    this.operations.push({ operation, clockOffsetMs });
    return this.onOperate(operation);
  }

  acknowledged(report: RunReport): void {
    this.acknowledgedReports.push(report);
  }
}
