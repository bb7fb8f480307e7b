import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { type Log, silentLog } from "../../src/base/log.ts";
import type { Executor } from "../../src/executor/executor.ts";
import { createProcessExecutor } from "../../src/executor/process/process-executor.ts";
import type { Pipelines } from "../../src/pipelines/pipelines.ts";
import type { MessageBodies, PipelineBody, RunReport } from "../../src/protocol/messages.ts";
import { Runs } from "../../src/runs/runs.ts";
import { selfCommand } from "../../src/runtime/system.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

/** The one pipeline that is deployed. */
export const PIPELINE: PipelineBody = {
  pipelineId: crypto.randomUUID(),
  generation: 2,
  hash: "h",
  name: "p",
  fullyQualifiedName: "s.p",
  pipelineType: "metadata",
  enabled: true,
  config: { source: { type: "sqlite" } },
};

/** An order to run it. */
export function order(changes: Partial<MessageBodies["run.start"]> = {}): MessageBodies["run.start"] {
  return {
    operationId: crypto.randomUUID(),
    runId: crypto.randomUUID(),
    pipelineId: PIPELINE.pipelineId,
    generation: 2,
    attempt: 1,
    startBefore: Date.now() + 60_000,
    ...changes,
  };
}

/** What a test holds in its hands. */
export interface OpenRuns {
  readonly directory: string;
  readonly runs: Runs;
  readonly executor: Executor;
  /** Every report that was handed to the connection. */
  readonly emitted: RunReport[];
  /** States of one run among them, in order. */
  readonly states: (runId: string) => string[];
  readonly close: () => Promise<void>;
  /** Lets the programs end. */
  readonly go: () => Promise<void>;
}

/** What a test may want otherwise. */
export interface OpenRunsOptions {
  readonly pipelines?: Pick<Pipelines, "read">;
  readonly maxConcurrentRuns?: number;
  readonly directory?: string;
  readonly executor?: (real: Executor) => Executor;
  readonly clock?: Clock;
  readonly log?: Log;
}

/** Runs over the real process executor; the program waits for a file named `go` before it ends. */
export async function openRuns(options: OpenRunsOptions = {}): Promise<OpenRuns> {
  const directory = options.directory ?? (await temporaryDirectory());
  const program = 'echo "begun"; until [ -e "$GO" ]; do sleep 0.05; done; echo "ended"';
  const real = await createProcessExecutor({
    dataDirectory: join(directory, "data"),
    command: ["/bin/sh", "-c", program],
    environment: { PATH: "/usr/bin:/bin" },
    programVariables: { GO: join(directory, "go") },
    secrets: { provider: "env", prefix: "X_" },
    graceMs: 500,
    clock: systemClock,
    log: silentLog,
    selfCommand: selfCommand(),
  });
  const executor = options.executor?.(real) ?? real;
  const emitted: RunReport[] = [];
  const runs = new Runs({
    executor,
    pipelines: options.pipelines ?? { read: async (id) => (id === PIPELINE.pipelineId ? PIPELINE : undefined) },
    maxConcurrentRuns: options.maxConcurrentRuns ?? 10,
    clock: options.clock ?? systemClock,
    log: options.log ?? silentLog,
    emit: (report) => emitted.push(report),
    wakeLogs: () => undefined,
  });
  await runs.adopt();
  const close = async (): Promise<void> => {
    runs.close();
    await executor.close();
  };
  onTestFinished(async () => {
    await Promise.all(runs.table.live().map((report) => real.stop(report.runId).catch(() => undefined)));
    await close().catch(() => undefined);
  });
  const states = (runId: string): string[] =>
    emitted.filter((report) => report.runId === runId).map((report) => report.state);
  return { directory, runs, executor, emitted, states, close, go: () => writeFile(join(directory, "go"), "") };
}
