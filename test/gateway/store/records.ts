import type { PipelineRecord, RunRecord, ServiceRecord } from "../../../src/gateway/store/store.ts";
import type { RunReport } from "../../../src/protocol/messages.ts";
import { stateFacts } from "../../fakes/state-facts.ts";

/** Records with all they must have; a test says only what it is about. */
export function service(more: Partial<ServiceRecord> = {}): ServiceRecord {
  const serviceId = crypto.randomUUID();
  const connection = { config: "secret:/shop/connection" };
  return {
    serviceId,
    name: `shop-${serviceId}`,
    serviceType: "Mysql",
    connection,
    runnerId: "alpha",
    createdAt: 1,
    ...more,
  };
}

export function pipeline(more: Partial<PipelineRecord> = {}): PipelineRecord {
  const pipelineId = crypto.randomUUID();
  return {
    pipelineId,
    serviceId: crypto.randomUUID(),
    runnerId: "alpha",
    name: "metadata",
    fullyQualifiedName: `shop.${pipelineId}`,
    pipelineType: "metadata",
    sourceConfig: { type: "DatabaseMetadata" },
    enabled: true,
    deployed: true,
    generation: 1,
    hash: "f".repeat(64),
    createdAt: 1,
    updatedAt: 1,
    ...more,
  };
}

export function run(more: Partial<RunRecord> = {}): RunRecord {
  return {
    runId: crypto.randomUUID(),
    pipelineId: crypto.randomUUID(),
    runnerId: "alpha",
    attempt: 1,
    state: "queued",
    dispatch: "waiting",
    stopRequested: false,
    createdAt: 1000,
    startDeadline: 60_000,
    logBytes: 0,
    logGaps: [],
    ...more,
  };
}

export function report(
  of: Pick<RunRecord, "runId" | "pipelineId">,
  state: RunReport["state"],
  more: Partial<RunReport> = {},
): RunReport {
  return { runId: of.runId, pipelineId: of.pipelineId, attempt: 1, state, ...stateFacts(state), ...more };
}
