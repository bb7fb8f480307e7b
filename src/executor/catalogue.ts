import { CodedError } from "../base/errors.ts";
import { EXECUTOR_ERRORS } from "./errors.ts";
import type { Executor } from "./executor.ts";
import type { KubernetesExecutorOptions } from "./pods/options.ts";
import type { ProcessExecutorOptions } from "./process/process-executor.ts";

/** What each executor is made of, by its kind. */
export interface ExecutorOptions {
  readonly process: ProcessExecutorOptions;
  readonly simpleK8s: KubernetesExecutorOptions;
  readonly argo: Readonly<Record<never, never>>;
}

/** Name of an executor, as it stands in the settings. */
export type ExecutorKind = keyof ExecutorOptions;

/** Every executor. Its code is loaded when it is opened, not before. */
const OPENERS: { readonly [Kind in ExecutorKind]: (options: ExecutorOptions[Kind]) => Promise<Executor> } = {
  process: async (options) => (await import("./process/process-executor.ts")).createProcessExecutor(options),
  simpleK8s: async (options) => (await import("./jobs/kubernetes-executor.ts")).createKubernetesExecutor(options),
  argo: async () => (await import("./absent-executor.ts")).createAbsentExecutor("argo"),
};

/** Names that `openExecutor` knows, for messages and documents. */
export const EXECUTOR_KINDS: readonly ExecutorKind[] = ["process", "simpleK8s", "argo"];

/** Those of them that this version can't do and only knows by name. */
export const ABSENT_EXECUTORS: readonly ExecutorKind[] = ["argo"];

/** The kind with this name. @throws CodedError UnknownExecutor */
export function parseExecutorKind(name: string): ExecutorKind {
  const kind = EXECUTOR_KINDS.find((known) => known === name);
  if (kind !== undefined) return kind;
  throw new CodedError(
    EXECUTOR_ERRORS.UnknownExecutor,
    `Cannot use executor "${name}": known are ${EXECUTOR_KINDS.join(", ")}`,
  );
}

/** Opens an executor. @throws CodedError of that executor's own kinds */
export function openExecutor<Kind extends ExecutorKind>(kind: Kind, options: ExecutorOptions[Kind]): Promise<Executor> {
  return OPENERS[kind](options);
}
