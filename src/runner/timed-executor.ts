import type { Clock } from "../base/clock.ts";
import type { Durations } from "../base/durations.ts";
import type { Executor } from "../executor/executor.ts";

/** The same executor, with the time noted of each call that changes or proves something. Reading is left out: it waits by design. */
export function timedExecutor(executor: Executor, durations: Durations, clock: Clock): Executor {
  const timed = async <T>(work: () => Promise<T>): Promise<T> => {
    const from = clock.monotonic();
    try {
      return await work();
    } finally {
      durations.note(clock.monotonic() - from);
    }
  };
  return {
    kind: executor.kind,
    check: () => timed(() => executor.check()),
    list: () => timed(() => executor.list()),
    start: (spec) => timed(() => executor.start(spec)),
    observe: (runId, signal) => executor.observe(runId, signal),
    stop: (runId) => timed(() => executor.stop(runId)),
    readLog: (runId, offset, limit) => executor.readLog(runId, offset, limit),
    release: (runId) => timed(() => executor.release(runId)),
    ...(executor.discover === undefined ? {} : { discover: executor.discover.bind(executor) }),
    ...(executor.deployments === undefined ? {} : { deployments: executor.deployments }),
    close: () => executor.close(),
  };
}
