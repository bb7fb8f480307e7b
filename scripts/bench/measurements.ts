import { dispatch } from "./dispatch.ts";
import { executable } from "./executable.ts";
import type { Measurement } from "./figure.ts";
import { CLUSTER_MEASUREMENTS } from "./kubernetes/measurements.ts";
import { logPath } from "./log-path.ts";
import { manyPipelines } from "./many-pipelines.ts";
import { redaction } from "./redaction.ts";
import { shortRuns } from "./short-runs.ts";
import { wrapper } from "./wrapper.ts";

/** What is measured together, in the order of docs/performance.md: without a cluster, and on one. */
export type GroupName = "alone" | "kubernetes";
const ALONE: readonly Measurement[] = [executable, dispatch, wrapper, redaction, logPath, shortRuns, manyPipelines];

export const GROUPS: Readonly<Record<GroupName, readonly Measurement[]>> = {
  alone: ALONE,
  kubernetes: CLUSTER_MEASUREMENTS,
};
