/*
 * Every right that the runner asks for in the namespace of the ingestion pods. From this table come the check at start,
 * the printed Role and docs/rbac.md. An id is `resource:verb`, with the subresource behind a slash.
 */

/** What rights are for, and what is without them. */
export const FEATURES = {
  runs: {
    title: "runs",
    needed: true,
    without: "no run can be started or followed, and orders are refused",
  },
  hiddenConfiguration: {
    title: "configuration in a Secret",
    needed: false,
    without:
      "a run's configuration, which holds the pipeline's bot token, lies in a ConfigMap that everybody reads who may read ConfigMaps there",
  },
  clusterSchedules: {
    title: "schedules as CronJobs",
    needed: false,
    without: "the runner fires schedules itself, so nothing fires while it is away; one missed fire is made up for",
  },
  keptPipelines: {
    title: "pipelines and schedules kept in the cluster",
    needed: false,
    without: "pipelines and schedules are kept in the runner's data directory only",
  },
  logs: { title: "logs", needed: false, without: "runs go on without their log, which says so" },
  events: {
    title: "events in diagnoses",
    needed: false,
    without: "failures and waiting states are explained without the cluster's events, and say so",
  },
  schedulesAtOnce: {
    title: "changed schedules at once",
    needed: false,
    without: "a CronJob that somebody changes or removes is made again within a minute or two, and not at once",
  },
  leftovers: {
    title: "removal of orphaned pods",
    needed: false,
    without: "the pod of a run whose Job somebody deleted with --cascade=orphan stays after its end",
  },
  ownImage: {
    title: "the runner's own image",
    needed: false,
    without: "a runner in the cluster doesn't see which image it runs from, so WRAPPER_IMAGE has to name it",
  },
  eventsAtOnce: {
    title: "events at once",
    needed: false,
    without: "events are listed when a diagnosis needs them, which is slower",
  },
} as const;
export type FeatureId = keyof typeof FEATURES;

/** One right: its API group ("" is the core) and what needs it, first the feature that fails most without it. */
export interface RightRow {
  readonly group: string;
  readonly features: readonly FeatureId[];
  readonly why: string;
}

const ROWS = {
  "jobs:create": { group: "batch", features: ["runs"], why: "a run is a Job" },
  "jobs:get": { group: "batch", features: ["runs"], why: "one run is looked at again before it is changed" },
  "jobs:list": { group: "batch", features: ["runs"], why: "runs are found again after a restart" },
  "jobs:watch": { group: "batch", features: ["runs"], why: "changes of runs are seen at once" },
  "jobs:patch": { group: "batch", features: ["runs"], why: "stopping a run, and its removal some time after its end" },
  "jobs:delete": {
    group: "batch",
    features: ["runs"],
    why: "stopped runs and those without a configuration are removed",
  },
  "pods:list": { group: "", features: ["runs"], why: "only a pod's container tells how a run ended" },
  "pods:watch": { group: "", features: ["runs"], why: "ends of runs are seen at once" },
  "pods/log:get": { group: "", features: ["logs"], why: "the log of a run" },
  "secrets:create": { group: "", features: ["hiddenConfiguration"], why: "the configuration of a run or pipeline" },
  "secrets:patch": { group: "", features: ["hiddenConfiguration"], why: "a new version of a scheduled pipeline" },
  "secrets:delete": { group: "", features: ["hiddenConfiguration"], why: "removal with its run or pipeline" },
  "cronjobs:create": { group: "batch", features: ["clusterSchedules"], why: "a schedule is a CronJob" },
  "cronjobs:get": { group: "batch", features: ["clusterSchedules"], why: "nothing is written that is so already" },
  "cronjobs:list": { group: "batch", features: ["clusterSchedules"], why: "schedules are found again after a restart" },
  "cronjobs:update": {
    group: "batch",
    features: ["clusterSchedules"],
    why: "a new version of a pipeline, switching it on and off",
  },
  "cronjobs:delete": { group: "batch", features: ["clusterSchedules"], why: "removal with its pipeline" },
  "cronjobs:watch": {
    group: "batch",
    features: ["schedulesAtOnce"],
    why: "a CronJob that somebody changes or removes is made again at once",
  },
  "configmaps:create": {
    group: "",
    features: ["keptPipelines", "clusterSchedules"],
    why: "the object that owns schedules; pipelines and configurations where the rights above are missing",
  },
  "configmaps:get": {
    group: "",
    features: ["keptPipelines", "clusterSchedules"],
    why: "the object that owns schedules",
  },
  "configmaps:list": {
    group: "",
    features: ["keptPipelines"],
    why: "pipelines and schedules are found again after a restart",
  },
  "configmaps:patch": {
    group: "",
    features: ["keptPipelines", "clusterSchedules"],
    why: "a new version of a pipeline; what a schedule has fired; who fires",
  },
  "configmaps:delete": { group: "", features: ["keptPipelines"], why: "removal with its run or pipeline" },
  "pods:delete": {
    group: "",
    features: ["leftovers"],
    why: "a pod whose Job was deleted with --cascade=orphan is removed with its run",
  },
  "pods:get": {
    group: "",
    features: ["ownImage"],
    why: "the wrapper comes from the image that the runner itself runs from",
  },
  "events:list": { group: "", features: ["events"], why: "why a pod waits or could not be made" },
  "events:watch": { group: "", features: ["eventsAtOnce"], why: "the same without asking each time" },
} as const;

/** `resource:verb` of every right in the table. */
export type RightId = keyof typeof ROWS;

/** The table. */
export const RIGHTS: Readonly<Record<RightId, RightRow>> = ROWS;

/** Every id, in the order of the table. */
export function rightIds(): readonly RightId[] {
  return Object.keys(ROWS) as RightId[];
}

/** True for a text that is the id of a right in the table. */
export function isRightId(text: string): text is RightId {
  return Object.hasOwn(ROWS, text);
}

/** The feature that fails most without it; the others that need it stand behind. */
export function featureOf(id: RightId): FeatureId {
  return RIGHTS[id].features[0] ?? "runs";
}

/** Every right that a feature needs. */
export function rightsOf(feature: FeatureId): readonly RightId[] {
  return rightIds().filter((id) => RIGHTS[id].features.includes(feature));
}
