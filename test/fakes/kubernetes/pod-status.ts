import type { Condition, Container, ContainerState, Pod } from "../../../src/kubernetes/objects.ts";
import { type Stored, timeText } from "./kinds.ts";

/** Where a container of a pod stands. */
export interface ContainerStanding {
  readonly container: Container;
  readonly init: boolean;
  state: ContainerState;
}

type Phase = "Pending" | "Running" | "Succeeded" | "Failed";

/** What the node tells of a pod. */
export interface PodStanding {
  readonly containers: readonly ContainerStanding[];
  readonly startTime: number;
  readonly podIp: string;
  /** A phase that stands, whatever the containers do. */
  readonly ended?: { readonly phase: "Succeeded" | "Failed"; readonly reason?: string; readonly message?: string };
}

/** A pod with the status that follows from where its containers stand. Times of conditions that don't change are kept. */
export function withStatus(pod: Stored, standing: PodStanding, now: number): Stored {
  const { containers, ended, podIp, startTime } = standing;
  const inits = containers.filter(({ init }) => init);
  const mains = containers.filter(({ init }) => !init);
  const initialized = inits.every(isPast);
  const begun = mains.some(({ state }) => state.waiting === undefined);
  const phase: Phase = ended?.phase ?? (initialized && begun ? "Running" : "Pending");
  const ready = phase === "Running" && mains.every(({ state }) => state.running !== undefined);
  const over = phase === "Succeeded" ? "PodCompleted" : phase === "Failed" ? "PodFailed" : "ContainersNotReady";
  const unready = mains.filter(({ state }) => state.running === undefined).map(({ container }) => container.name);
  const detail = ready
    ? {}
    : {
        reason: over,
        ...(ended === undefined ? { message: `containers with unready status: [${unready.join(" ")}]` } : {}),
      };
  const old = (pod.status?.["conditions"] ?? []) as readonly Condition[];
  const conditions = [
    { type: "PodReadyToStartContainers", status: truth(ended === undefined) },
    { type: "Initialized", status: truth(initialized), ...(initialized ? {} : { reason: "ContainersNotInitialized" }) },
    { type: "Ready", status: truth(ready), ...detail },
    { type: "ContainersReady", status: truth(ready), ...detail },
  ];
  const own = new Set(conditions.map(({ type }) => type));
  return {
    ...pod,
    status: {
      ...pod.status,
      phase,
      ...(ended?.reason === undefined ? {} : { reason: ended.reason }),
      ...(ended?.message === undefined ? {} : { message: ended.message }),
      conditions: [
        ...conditions.map((condition) => dated(condition, old, now)),
        ...old.filter(({ type }) => !own.has(type)),
      ],
      hostIP: "10.88.0.1",
      podIP: podIp,
      startTime: timeText(startTime),
      ...(inits.length === 0 ? {} : { initContainerStatuses: inits.map(statusOf) }),
      containerStatuses: mains.map(statusOf),
    },
  };
}

/** Sets a condition of a pod or Job in a list of conditions; its time changes with its status only. */
export function withCondition(
  conditions: readonly Condition[],
  condition: Condition,
  now: number,
): readonly Condition[] {
  const others = conditions.filter(({ type }) => type !== condition.type);
  return [...others, dated(condition, conditions, now)];
}

/** A pod's conditions. */
export function conditionsOf(pod: Pick<Stored, "status"> | Pod): readonly Condition[] {
  return ((pod as Pod).status?.conditions ?? []) as readonly Condition[];
}

/** True when the container no longer stands in the way of the next one: ended well, or a side-car that runs. */
function isPast({ container, state }: ContainerStanding): boolean {
  return state.terminated?.exitCode === 0 || (container["restartPolicy"] === "Always" && state.waiting === undefined);
}

function statusOf({ container, state }: ContainerStanding): Readonly<Record<string, unknown>> {
  return {
    name: container.name,
    state,
    lastState: {},
    ready: state.running !== undefined,
    started: state.running !== undefined,
    restartCount: 0,
    image: container.image ?? "",
    imageID: "",
  };
}

function dated(condition: Condition, old: readonly Condition[], now: number): Condition {
  const before = old.find(({ type }) => type === condition.type);
  const kept = before?.status === condition.status ? before.lastTransitionTime : undefined;
  return { ...condition, lastTransitionTime: kept ?? timeText(now) };
}

function truth(value: boolean): "True" | "False" {
  return value ? "True" : "False";
}
