import { describeError } from "../base/errors.ts";
import type { Pipelines } from "../pipelines/pipelines.ts";
import type { Policy } from "../policy/policy.ts";
import type { RefusalReason } from "../protocol/messages.ts";
import type { Runs } from "../runs/runs.ts";
import type { ScheduledOrder, ScheduledRuns, StartAnswer } from "../schedules/fire.ts";

/** What the runs of schedules stand on. */
export interface ScheduledRunsOptions {
  readonly policy: Policy;
  readonly pipelines: Pick<Pipelines, "read">;
  readonly runs: Pick<Runs, "start" | "liveRunOf" | "hasRoom">;
  /** True while another process of this installation has the session; that one fires. Absent: never. */
  readonly isStandby?: () => boolean;
}

/** Refusals that time or another turn may lift; the others last as long as the pipeline is what it is. */
const PASSING: ReadonlySet<RefusalReason> = new Set(["draining", "full", "standby", "storage", "tooLate"]);

/** The one place where schedules and runs meet. A scheduled run is asked of the policy as one that the gateway orders. */
export function scheduledRuns({ policy, pipelines, runs, isStandby }: ScheduledRunsOptions): ScheduledRuns {
  const start = async (order: ScheduledOrder): Promise<StartAnswer> => {
    if (isStandby?.()) return { outcome: "later", reason: "another process of this installation has the session" };
    try {
      const { pipelineId } = order;
      const pipelineType = (await pipelines.read(pipelineId))?.pipelineType;
      const allowed = policy.check({
        operation: "run.start",
        pipelineId,
        ...(pipelineType === undefined ? {} : { pipelineType }),
      });
      if (!allowed.allowed) return { outcome: "never", reason: allowed.reason };
      const verdict = await runs.start(order, 0, "update");
      if (verdict.outcome !== "refused") return { outcome: "started" };
      return { outcome: PASSING.has(verdict.reason) ? "later" : "never", reason: verdict.message };
    } catch (error) {
      return { outcome: "later", reason: describeError(error) };
    }
  };
  return {
    start,
    liveRunOf: (pipelineId) => runs.liveRunOf(pipelineId),
    hasRoom: () => !isStandby?.() && runs.hasRoom(),
  };
}
