import { describeError } from "../../base/errors.ts";
import type { Job, KubernetesEvent, Pod } from "../../kubernetes/objects.ts";
import { EVENTS, JOBS, PODS } from "../../kubernetes/objects.ts";
import { watchObjects } from "../../kubernetes/reflector.ts";
import type { Watched } from "../../kubernetes/watched.ts";
import { ANNOTATIONS, LABELS, ownSelector } from "../pods/labels.ts";
import type { KubernetesExecutorOptions } from "../pods/options.ts";
import { OwnObjects } from "../pods/own-objects.ts";
import type { KeptRights } from "../pods/rights/kept-rights.ts";
import { JobWrites } from "./job-writes.ts";
import { slimEvent, slimJob, slimPod } from "./slim.ts";

/** Nothing heard for so long: a bookmark or the end of a watch comes far more often. */
const SILENT_MS = 45_000;

/** The watches of this runner's objects. */
export class ClusterSide {
  readonly jobs: Watched<Job>;
  readonly pods: Watched<Pod>;
  /** Absent where there is no right to watch them. */
  readonly events?: Watched<KubernetesEvent>;

  constructor(options: KubernetesExecutorOptions, rights: Pick<KeptRights, "has" | "suspect">) {
    const { api, namespace, clock, log, runnerId, isStandby = () => false } = options;
    const writes = new JobWrites(api, namespace);
    const selection = { labelSelector: ownSelector(runnerId, "run") };
    const onForbidden = (): void => rights.suspect();
    const jobs = watchObjects(api, JOBS, namespace, { selection, slim: slimJob, onForbidden, clock, log });
    this.jobs = new OwnObjects(jobs, { find: findJob, isOver: isAcknowledged, clock, log });
    const pods = watchObjects(api, PODS, namespace, { selection, slim: slimPod, onForbidden, clock, log });
    this.pods = new OwnObjects(pods, { find: findPod, isOver: hasEnded, clock, log });
    if (rights.has("events:list") && rights.has("events:watch"))
      this.events = watchObjects(api, EVENTS, namespace, { slim: slimEvent, clock, log });

    /** With its labels it is in the selection again, and of whoever comes after a restart too. */
    async function findJob({ metadata }: Job): Promise<Job | undefined> {
      const found = await writes.read(metadata.name);
      if (found === undefined || found.metadata.uid !== metadata.uid) return undefined;
      try {
        if (!isStandby()) await writes.giveLabelsBack(found);
      } catch (error) {
        log.debug("A Job's labels can't be given back for now", { job: metadata.name, error: describeError(error) });
      }
      return slimJob(found);
    }

    /** By the Job controller's label: the right to list pods is there, and none to get one. */
    async function findPod({ metadata }: Pod): Promise<Pod | undefined> {
      const labelSelector = `${LABELS.jobName}=${metadata.labels?.[LABELS.jobName] ?? ""}`;
      const { items } = await api.list(PODS, namespace, { labelSelector });
      const found = items.find((pod) => pod.metadata.uid === metadata.uid);
      return found && slimPod(found);
    }
  }

  /** Resolves when everything that runs are judged by is listed. Events only explain: they aren't waited for. */
  async ready(signal: AbortSignal): Promise<void> {
    await Promise.all([this.jobs.ready(signal), this.pods.ready(signal)]);
  }

  /** What has gone silent, for people; undefined when all is well. */
  silence(): string | undefined {
    const watches = { jobs: this.jobs, pods: this.pods };
    const silent = Object.entries(watches).flatMap(([name, watched]) => {
      const ms = watched.silentMs();
      return ms > SILENT_MS ? [`${name} for ${Math.round(ms / 1000)} s`] : [];
    });
    if (silent.length === 0) return undefined;
    const trouble = this.jobs.trouble() ?? this.pods.trouble();
    return `the API server says nothing of ${silent.join(" and ")}${trouble === undefined ? "" : `: ${trouble}`}`;
  }

  async close(): Promise<void> {
    await Promise.all([this.jobs.close(), this.pods.close(), this.events?.close()]);
  }
}

function isAcknowledged({ metadata }: Job): boolean {
  return metadata.annotations?.[ANNOTATIONS.acknowledgedAt] !== undefined;
}

function hasEnded({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}
