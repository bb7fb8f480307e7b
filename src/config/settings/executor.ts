import * as parse from "../values.ts";
import type { SettingRows } from "./row.ts";

/** Names of the executors. This version has `process`; the others are known and answered for (ADR 0009). */
export const EXECUTOR_TYPES = ["process", "simpleK8s", "argo"] as const;
export type ExecutorType = (typeof EXECUTOR_TYPES)[number];

/** Where runs happen, how many, and what is kept of them. */
export interface ExecutorSettings {
  readonly executorType: ExecutorType;
  readonly dataDirectory: string | undefined;
  readonly maxConcurrentRuns: number;
  readonly stopGraceSeconds: number;
  readonly runLogLimitMegabytes: number;
  readonly keepRuns: number;
  readonly keepRunsDays: number;
}

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
    fallback: () => 10,
    meaning: "how many runs may be live at once; more are refused and offered again later",
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
};
