import { clip } from "../base/clip.ts";
import { assertNever } from "../base/errors.ts";
import type { KeyedQueue } from "../base/keyed-queue.ts";
import type { Log } from "../base/log.ts";
import type { Operation, Verdict } from "../connection/runner-side.ts";
import type { Executor } from "../executor/executor.ts";
import type { Pipelines, Tombstone } from "../pipelines/pipelines.ts";
import type { Policy } from "../policy/policy.ts";
import type { PipelineBody } from "../protocol/messages.ts";
import { scheduleMistake } from "../protocol/schedule.ts";
import type { Runs } from "../runs/runs.ts";
import { refused, refusedFor } from "../runs/verdict.ts";
import type { Schedules } from "../schedules/schedules.ts";

/** What operations reach. `turns` keeps those of one pipeline in the order they came. */
export interface RouterSurroundings {
  readonly turns: KeyedQueue;
  readonly log: Log;
  readonly policy: Policy;
  readonly pipelines: Pipelines;
  readonly runs: Runs;
  readonly schedules: Pick<Schedules, "set" | "remove" | "dropWaiting">;
  readonly executor: Executor;
  /** Why the runner can't see its runs; undefined when it does. Absent: it does. */
  readonly unknownRuns?: () => string | undefined;
}

/** Of what these do or tell, nothing is known without the runs that are there. */
const NEEDS_RUNS: ReadonlySet<Operation["type"]> = new Set([
  "run.start",
  "run.stop",
  "run.status",
  "pipeline.stop",
  "pipeline.delete",
]);

/** Operations this version can do, told in the greeting. */
export const OPERATIONS: readonly string[] = [
  "pipeline.deploy",
  "pipeline.delete",
  "pipeline.stop",
  "run.start",
  "run.stop",
  "run.status",
  "service.status",
];

/** The protocol's bound: a longer one would end the session, and a check may have as much to tell as there are pipeline types. */
const MAX_MESSAGE = 2000;

/** Carries out one operation: policy first, then whoever it concerns. Never throws. */
export async function route(
  operation: Operation,
  clockOffsetMs: number,
  surroundings: RouterSurroundings,
): Promise<Verdict> {
  const allowed = surroundings.policy.check(question(operation));
  if (!allowed.allowed) return refused("policy", allowed.reason, "Ask the owner of the runner's policy");
  const unknown = NEEDS_RUNS.has(operation.type) ? surroundings.unknownRuns?.() : undefined;
  if (unknown !== undefined) {
    return {
      outcome: "refused",
      reason: "storage",
      message: clip(`Cannot carry out ${operation.type}: the runner can't see its runs. ${unknown}`, MAX_MESSAGE),
      advice: "See the runner's log for what is missing; nothing has to be restarted when it is given",
    };
  }
  try {
    const work = (): Promise<Verdict> => carryOut(operation, clockOffsetMs, surroundings);
    const pipelineId = pipelineOf(operation);
    return await (pipelineId === undefined ? work() : surroundings.turns.run(pipelineId, work));
  } catch (error) {
    return refusedFor(error);
  }
}

async function carryOut(
  operation: Operation,
  clockOffsetMs: number,
  surroundings: RouterSurroundings,
): Promise<Verdict> {
  const { runs, schedules, executor } = surroundings;
  switch (operation.type) {
    case "pipeline.deploy":
      return deploy(operation.body.pipeline, surroundings);
    case "pipeline.delete":
      await removeBuried(operation.body, surroundings);
      return { outcome: "accepted" };
    case "pipeline.stop": {
      const verdict = await runs.stopAll(operation.body.pipelineId);
      // It would take the place that has just become free.
      await schedules.dropWaiting(operation.body.pipelineId);
      return verdict;
    }
    case "run.start":
      return runs.start(operation.body, clockOffsetMs);
    case "run.stop":
      return (
        (await runs.stop(operation.body.runId)) ?? { outcome: "answered", answer: { kind: "runStatus", run: null } }
      );
    case "run.status":
      return { outcome: "answered", answer: { kind: "runStatus", run: runs.table.get(operation.body.runId) ?? null } };
    case "service.status": {
      const { healthy, message } = await executor.check();
      return {
        outcome: "answered",
        answer: { kind: "serviceStatus", healthy, message: clip(message, MAX_MESSAGE) },
      };
    }
    default:
      return assertNever(operation, "operation");
  }
}

async function deploy(pipeline: PipelineBody, surroundings: RouterSurroundings): Promise<Verdict> {
  const mistake = pipeline.schedule === undefined ? undefined : scheduleMistake(pipeline.schedule);
  if (mistake !== undefined) {
    return refused(
      "badConfig",
      `Cannot deploy the pipeline: its schedule's ${mistake}`,
      "Correct the schedule and deploy the pipeline again",
    );
  }
  await surroundings.pipelines.deploy(pipeline);
  await followSchedule(pipeline.pipelineId, surroundings);
  return { outcome: "accepted" };
}

/** The schedule follows what is stored, which may be newer than what came. */
async function followSchedule(pipelineId: string, { pipelines, schedules }: RouterSurroundings): Promise<void> {
  const head = pipelines.head(pipelineId);
  if (head !== undefined) await schedules.set(head);
}

/** Acts on a tombstone in its pipeline's turn. True when a pipeline was removed. */
export function bury(tombstone: Tombstone, surroundings: RouterSurroundings): Promise<boolean> {
  return surroundings.turns.run(tombstone.pipelineId, () => removeBuried(tombstone, surroundings));
}

/** Ends the schedule and the runs first and removes the pipeline last, so that what a crash leaves half done is done again at the next greeting. */
async function removeBuried(
  tombstone: Tombstone,
  { pipelines, runs, schedules }: RouterSurroundings,
): Promise<boolean> {
  if (!pipelines.isBuriedBy(tombstone)) return false;
  await schedules.remove(tombstone.pipelineId);
  await runs.stopAll(tombstone.pipelineId);
  await pipelines.remove(tombstone.pipelineId);
  return true;
}

function question(operation: Operation): Parameters<Policy["check"]>[0] {
  const pipelineId = pipelineOf(operation);
  const pipelineType = operation.type === "pipeline.deploy" ? operation.body.pipeline.pipelineType : undefined;
  return {
    operation: operation.type,
    ...(pipelineId === undefined ? {} : { pipelineId }),
    ...(pipelineType === undefined ? {} : { pipelineType }),
  };
}

function pipelineOf(operation: Operation): string | undefined {
  if (operation.type === "pipeline.deploy") return operation.body.pipeline.pipelineId;
  return "pipelineId" in operation.body ? operation.body.pipelineId : undefined;
}
