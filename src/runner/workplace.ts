import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Settings } from "../config/settings.ts";
import { openExecutor } from "../executor/catalogue.ts";
import type { Executor } from "../executor/executor.ts";
import { openPipelineFiles } from "../pipelines/pipeline-files.ts";
import type { PipelineStore } from "../pipelines/pipeline-store.ts";
import type { SecretReads } from "../protocol/secret-reads.ts";
import { joinPath } from "../runtime/files.ts";
import { openScheduleRecords, type ScheduleRecords } from "../schedules/schedule-records.ts";
import { processExecutorSettings } from "./executor-settings.ts";
import { installationId } from "./installation.ts";

/** Settings of a runner, with its data directory worked out. */
export type RunnerSettings = Settings & { readonly dataDirectory: string };

/** Where a runner works: what runs its runs, and what keeps the facts about its pipelines. */
export interface Workplace {
  readonly executor: Executor;
  readonly pipelines: PipelineStore;
  /** Absent: the cluster fires the schedules itself. */
  readonly schedules?: ScheduleRecords;
  /** Names the place; the gateway binds the runner's id to it. */
  readonly installationId: string;
  /**
   * Brings what the cluster keeps of pipelines up to date, and tries until the signal aborts what fails for a while. Only for
   * the process that has the session, and not twice at once. Never throws.
   */
  refresh(signal: AbortSignal): Promise<void>;
  /** Frees connections when the executor is closed. */
  close(): Promise<void>;
}

/** What a workplace asks of the runner, and tells it. */
export interface WorkplaceHooks {
  /** True while another process of this installation has the session. */
  readonly isStandby: () => boolean;
  /** Of the OpenMetadata server, as the newest session's gateway said. The process executor has no image and doesn't ask. */
  readonly serverVersion: () => string | undefined;
  /** Told what a run that has ended read of its secret store. */
  readonly onSecretReads: (reads: SecretReads) => void;
  /** Told of each schedule that the cluster has fired what became of it. Where the runner fires, it knows by itself. */
  readonly onFire: (result: "started" | "skipped") => void;
}

/**
 * Opens the workplace that the settings name.
 * @throws CodedError when the data directory, the cluster or a file named in the settings can't be used
 */
export async function openWorkplace(
  settings: RunnerSettings,
  hooks: WorkplaceHooks,
  clock: Clock,
  log: Log,
): Promise<Workplace> {
  if (settings.executorType === "simpleK8s") {
    const { openKubernetesWorkplace } = await import("./kubernetes-workplace.ts");
    return openKubernetesWorkplace(settings, hooks, clock, log);
  }
  const { onSecretReads } = hooks;
  const executor =
    settings.executorType === "process"
      ? await openExecutor("process", { ...processExecutorSettings(settings), onSecretReads, clock, log })
      : await openExecutor(settings.executorType, {});
  return {
    executor,
    pipelines: await openPipelineFiles(joinPath(settings.dataDirectory, "pipelines"), log),
    schedules: await openScheduleRecords(joinPath(settings.dataDirectory, "schedules"), log),
    installationId: await installationId(settings.dataDirectory),
    refresh: async () => undefined,
    close: async () => undefined,
  };
}
