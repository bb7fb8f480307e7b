import * as parse from "../values.ts";
import type { SettingRows } from "./row.ts";

/** Names of the executors. This version has `process` and `simpleK8s`; the other is known and answered for (ADR 0009). */
export const EXECUTOR_TYPES = ["process", "simpleK8s", "argo"] as const;
export type ExecutorType = (typeof EXECUTOR_TYPES)[number];

/** Where runs happen, how many, and what is kept of them. */
export interface ExecutorSettings {
  readonly executorType: ExecutorType;
  readonly dataDirectory: string | undefined;
  readonly maxConcurrentRuns: number;
  readonly maxPipelines: number;
  readonly pipelinesLimitMegabytes: number;
  readonly stopGraceSeconds: number;
  readonly runLogLimitMegabytes: number;
  readonly keepRuns: number;
  readonly keepRunsDays: number;
  readonly reuseSupervisors: boolean;
}

/** The executor process shares one machine with its runs: what a laptop bears. */
const RUNS_OF_A_MACHINE = 10;

/**
 * A cluster has its own measure, quotas and the scheduler, and a run it has no room for is seen waiting with the reason. This
 * limit only keeps a server gone wild from filling it with Jobs; the runner itself is built for 10,000.
 */
export const RUNS_OF_A_CLUSTER: number = 1000;

export const EXECUTOR_SETTINGS: SettingRows<ExecutorSettings> = {
  executorType: {
    variables: ["EXECUTOR_TYPE"],
    parse: parse.oneOf<ExecutorType>(EXECUTOR_TYPES),
    fallback: () => "process",
    otherwise: "see above",
    meaning: "where runs happen; upper and lower case are alike",
  },
  dataDirectory: {
    variables: ["DATA_DIRECTORY"],
    parse: parse.path,
    fallback: () => undefined,
    otherwise: "hybrid-runner in the user's state directory",
    meaning: "where pipelines, runs and logs are kept",
  },
  maxConcurrentRuns: {
    variables: ["MAX_CONCURRENT_RUNS"],
    parse: parse.wholeNumber(1, 10_000),
    fallback: () => RUNS_OF_A_MACHINE,
    otherwise: `${RUNS_OF_A_MACHINE} with the executor process, else ${RUNS_OF_A_CLUSTER}`,
    meaning: "how many runs may be live at once; more are refused and offered again later",
  },
  maxPipelines: {
    variables: ["MAX_PIPELINES"],
    parse: parse.wholeNumber(1, 1_000_000),
    fallback: () => 10_000,
    meaning: "how many pipelines are taken; more are refused",
  },
  pipelinesLimitMegabytes: {
    variables: ["PIPELINES_LIMIT_MB"],
    parse: parse.wholeNumber(1, 1_000_000),
    fallback: () => 500,
    meaning: "how large all pipelines together may be, in MB; more are refused",
  },
  stopGraceSeconds: {
    variables: ["STOP_GRACE_SECONDS"],
    parse: parse.wholeNumber(0, 3600),
    fallback: () => 30,
    meaning: "how long a program may take to end after TERM before it is killed, in seconds",
  },
  runLogLimitMegabytes: {
    variables: ["RUN_LOG_LIMIT_MB"],
    parse: parse.wholeNumber(1, 1_000_000),
    fallback: () => 100,
    meaning: "how much of one run's log is sent to the gateway, in MB; the whole log stays on site",
  },
  keepRuns: {
    variables: ["KEEP_RUNS"],
    parse: parse.wholeNumber(0, 1_000_000),
    fallback: () => 100,
    meaning: "how many ended runs are kept on site, with their logs",
  },
  keepRunsDays: {
    variables: ["KEEP_RUNS_DAYS"],
    parse: parse.wholeNumber(0, 36_500),
    fallback: () => 30,
    meaning: "how many days an ended run is kept on site",
  },
  reuseSupervisors: {
    variables: ["REUSE_SUPERVISORS"],
    parse: parse.trueOrFalse,
    fallback: () => true,
    meaning:
      "with the executor process: whether the process that supervises a run takes another one when it has ended; `false` gives every run a new one, which costs a short run three times the processor time",
  },
};
