import { CodedError } from "../base/errors.ts";
import { EXECUTOR_ERRORS } from "./errors.ts";
import type { Executor } from "./executor.ts";

/**
 * Stands in for an executor that is known by its name and not in this version. It has no runs and takes none, so that
 * the runner can connect, keep its pipelines and say what is missing.
 */
export function createAbsentExecutor(kind: string): Executor {
  const message = `the executor ${kind} is not in this version`;
  return {
    kind,
    check: async () => ({ healthy: false, message: `Cannot run anything: ${message}` }),
    list: async () => [],
    start: async (spec) => {
      throw new CodedError(EXECUTOR_ERRORS.ExecutorAbsent, `Cannot start run ${spec.runId}: ${message}`);
    },
    observe: async function* () {},
    stop: async () => undefined,
    readLog: async (_runId, offset) => ({ offset, text: "", nextOffset: offset, ended: true }),
    release: async () => undefined,
    close: async () => undefined,
  };
}
