import { dispatch } from "./dispatch.ts";
import { executable } from "./executable.ts";
import type { Measurement } from "./figure.ts";
import { logPath } from "./log-path.ts";
import { manyPipelines } from "./many-pipelines.ts";
import { redaction } from "./redaction.ts";
import { shortRuns } from "./short-runs.ts";
import { wrapper } from "./wrapper.ts";

/** Every measurement, in the order of docs/performance.md. */
export const MEASUREMENTS: readonly Measurement[] = [
  executable,
  dispatch,
  wrapper,
  redaction,
  logPath,
  shortRuns,
  manyPipelines,
];
