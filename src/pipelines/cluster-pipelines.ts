import { backoffDelay } from "../base/backoff.ts";
import { type Clock, sleep } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import { KeyedQueue } from "../base/keyed-queue.ts";
import type { Log } from "../base/log.ts";
import type { Deployments, FoundDeployment } from "../executor/executor.ts";
import type { PipelineBody } from "../protocol/messages.ts";
import { headOf } from "./pipeline-files.ts";
import type { PipelineHead, PipelineStore } from "./pipeline-store.ts";

const PUTS_AT_ONCE = 4;

const RETRY_PAUSE = { floorMs: 1000, baseMs: 5000, capMs: 300_000 };

/** Pipelines in files, and in the cluster as far as it keeps them. */
export interface ClusterPipelines extends PipelineStore {
  /**
   * Makes the cluster's objects what the known bodies say: a newer version of the runner writes them anew, an interrupted
   * deployment is finished, and what somebody changes or removes is made again. Ends when the signal aborts, or before where the
   * cluster's objects aren't tended; not to be called by a standby.
   */
  refresh(signal: AbortSignal): Promise<void>;
}

/** What keeping pipelines in two places needs. */
export interface ClusterPipelinesOptions {
  readonly files: PipelineStore;
  readonly deployments: Deployments;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The files hold the bodies, the cluster fires. A body is in its file before the cluster has it, so what a crash left
 * undone is seen and finished by `refresh`; the cluster alone, after a lost disk, still says which pipelines there are.
 */
export function keepInCluster({ files, deployments, clock, log }: ClusterPipelinesOptions): ClusterPipelines {
  const turns = new KeyedQueue();
  /** Found in the cluster without a body, in a version that no file has. */
  const bodiless = new Set<string>();

  const readOld = (id: string): Promise<PipelineBody | undefined> =>
    bodiless.has(id) ? Promise.resolve(undefined) : files.read(id);

  const write = async (body: PipelineBody): Promise<void> => {
    // An unreadable file is no loss.
    const old = await files.read(body.pipelineId).catch(() => undefined);
    await files.write(body);
    try {
      await deployments.put(body);
    } catch (error) {
      await (old === undefined ? files.remove(body.pipelineId) : files.write(old));
      throw error;
    }
    bodiless.delete(body.pipelineId);
  };

  /** What is known of a pipeline that the cluster has and the files don't, or in an older version. */
  const takeUp = async (found: FoundDeployment): Promise<PipelineHead> => {
    if (found.body !== undefined) {
      await files.write(found.body);
      return headOf(found.body);
    }
    bodiless.add(found.pipelineId);
    const { pipelineId, generation, hash, enabled, schedule } = found;
    return {
      pipelineId,
      generation,
      hash,
      enabled,
      bytes: 0,
      bodyMissing: true,
      ...(schedule === undefined ? {} : { schedule }),
    };
  };

  /** True when something had to be written. */
  const putAgain = async (id: string): Promise<boolean> => {
    const body = await readOld(id);
    return body !== undefined && (await deployments.put(body));
  };

  /** A cluster that fires needs nothing of pipelines that run on demand; what it has of them is one too many. */
  const toRefresh = async (): Promise<readonly string[]> => {
    const heads = await files.list();
    if (deployments.fires === "runner") return heads.map((head) => head.pipelineId);
    const found = new Set((await deployments.list()).map((deployment) => deployment.pipelineId));
    return heads
      .filter((head) => head.schedule !== undefined || found.has(head.pipelineId))
      .map((head) => head.pipelineId);
  };

  /** Answers those worth another try. */
  const putAll = async (ids: readonly string[], signal: AbortSignal): Promise<readonly string[]> => {
    const [open, again]: [string[], string[]] = [[...ids], []];
    const work = async (): Promise<void> => {
      for (let id = open.shift(); id !== undefined && !signal.aborted; id = open.shift()) {
        const pipeline = id;
        await turns
          .run(pipeline, () => putAgain(pipeline))
          .catch((error: unknown) => {
            const retried = isRetried(error);
            if (retried) again.push(pipeline);
            log.warn("The cluster's objects of a pipeline can't be brought up to date", {
              pipeline,
              retried,
              error: describeError(error),
            });
          });
      }
    };
    await Promise.all(Array.from({ length: PUTS_AT_ONCE }, work));
    return again;
  };

  /** Until all is so, or can't be made so. */
  const bringUpToDate = async (signal: AbortSignal): Promise<void> => {
    let open: readonly string[] | undefined;
    for (let attempt = 0; !signal.aborted; attempt++) {
      open ??= await toRefresh().catch((error: unknown) => {
        const retried = isRetried(error);
        log.warn("What the cluster keeps of pipelines can't be listed", { retried, error: describeError(error) });
        return retried ? undefined : [];
      });
      if (open !== undefined) open = await putAll(open, signal);
      if (open?.length === 0) return;
      await sleep(clock, backoffDelay(attempt, RETRY_PAUSE, clock), signal).catch(() => undefined);
    }
  };

  return {
    async list() {
      const heads = new Map((await files.list()).map((head) => [head.pipelineId, head]));
      for (const found of await deployments.list()) {
        const known = heads.get(found.pipelineId);
        if (known === undefined || known.generation < found.generation) {
          heads.set(found.pipelineId, await takeUp(found));
        }
      }
      return [...heads.values()];
    },
    read: readOld,
    write: (body) => turns.run(body.pipelineId, () => write(body)),
    remove: (id) =>
      turns.run(id, async () => {
        // The file last: as long as it is there, a tombstone is acted upon.
        await deployments.remove(id);
        await files.remove(id);
        bodiless.delete(id);
      }),
    async refresh(signal) {
      const tended = deployments.tend?.((id) => turns.run(id, () => putAgain(id)), signal);
      try {
        await bringUpToDate(signal);
      } finally {
        await tended;
      }
    },
  };
}

function isRetried(error: unknown): boolean {
  return !(error instanceof CodedError) || error.retryable;
}
