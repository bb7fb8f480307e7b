import { onTestFinished } from "vitest";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { createLog } from "../../src/base/log.ts";
import { Sensitive } from "../../src/base/sensitive.ts";
import { type Connection, type ConnectionOptions, createConnection } from "../../src/connection/connection.ts";
import type { ConnectionStatus } from "../../src/connection/runner-side.ts";
import type { RunReport } from "../../src/protocol/messages.ts";
import type { RunState } from "../../src/protocol/run-state.ts";
import { FakeRunnerSide } from "../fakes/runner-side.ts";
import { stateFacts } from "../fakes/state-facts.ts";

/** A connection under test with all that stands around it. */
export interface TestRunner {
  readonly connection: Connection;
  readonly side: FakeRunnerSide;
  readonly clock: Clock;
  readonly statuses: ConnectionStatus[];
  /** Lines of the log, as JSON objects. */
  readonly lines: Record<string, unknown>[];
}

/** Starts a connection that ends with the test. */
export function startRunner(options: Partial<ConnectionOptions> & { url: ConnectionOptions["url"] }): TestRunner {
  const side = options.side instanceof FakeRunnerSide ? options.side : new FakeRunnerSide();
  const clock = options.clock ?? systemClock;
  const statuses: ConnectionStatus[] = [];
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => {
    lines.push(JSON.parse(line));
  };
  const connection = createConnection({
    token: async () => new Sensitive("token-of-the-test"),
    runner: {
      runnerId: "runner-a",
      installationId: "installation-a",
      instanceId: "1f0e2d3c-4b5a-4697-8877-665544332201",
      runnerVersion: "1.2.3",
      executor: "process",
      platform: "test",
      host: "machine-7",
      operations: ["service.status"],
      maxConcurrentRuns: 4,
    },
    reconnectFloorMs: 0,
    log: createLog({ clock, level: "debug", format: "json", write }),
    onStatus: (status) => statuses.push(status),
    ...options,
    side,
    clock,
  });
  onTestFinished(async () => {
    await Promise.race([connection.close("normal", 0), new Promise((resolve) => setTimeout(resolve, 1_000))]);
  });
  connection.start();
  return { connection, side, clock, statuses, lines };
}

/** A UUID made of a number. */
export function id(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;
}

/** A report of run `number`. */
export function report(number: number, state: RunState, attempt = 1): RunReport {
  return { runId: id(number), pipelineId: id(9_999), attempt, state, ...stateFacts(state) };
}
