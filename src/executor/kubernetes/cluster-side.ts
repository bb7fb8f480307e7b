import type { Job, KubernetesEvent, Pod } from "../../kubernetes/objects.ts";
import { EVENTS, JOBS, PODS } from "../../kubernetes/objects.ts";
import { watchObjects } from "../../kubernetes/reflector.ts";
import type { Watched } from "../../kubernetes/watched.ts";
import { LABELS, ownSelector } from "./labels.ts";
import type { KubernetesExecutorOptions } from "./options.ts";
import { OwnPods } from "./own-pods.ts";
import type { KeptRights } from "./rights/kept-rights.ts";
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
    const { api, namespace, clock, log, runnerId } = options;
    const selection = { labelSelector: ownSelector(runnerId, "run") };
    const onForbidden = (): void => rights.suspect();
    this.jobs = watchObjects(api, JOBS, namespace, { selection, slim: slimJob, onForbidden, clock, log });
    const pods = watchObjects(api, PODS, namespace, { selection, slim: slimPod, onForbidden, clock, log });
    this.pods = new OwnPods(pods, { find, clock, log });
    if (rights.has("events:list") && rights.has("events:watch"))
      this.events = watchObjects(api, EVENTS, namespace, { slim: slimEvent, clock, log });

    /** By the Job controller's label: the right to list pods is there, and none to get one. */
    async function find({ metadata }: Pod): Promise<Pod | undefined> {
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
