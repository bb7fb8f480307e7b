import type { Clock } from "../../../src/base/clock.ts";
import type { ContainerStatus } from "../../../src/kubernetes/objects.ts";
import { eventsOf, type TellEvent } from "./cluster-events.ts";
import type { FakeProgram } from "./container-life.ts";
import type { ContainerLog } from "./container-log.ts";
import { type Fields, isFields, type Stored } from "./kinds.ts";
import type { ObjectStore } from "./object-store.ts";
import { PodLife } from "./pod-life.ts";
import type { PodLogSource } from "./pod-log.ts";
import { conditionsOf, withCondition } from "./pod-status.ts";

export type { FakeProgram };

/** What tests may do with the node. */
export interface FakeNode {
  readonly name: string;
  /** Labels that node selectors look at. */
  readonly labels: Record<string, string>;
  /** The scheduler finds no place, and says this: `0/1 nodes are available: 1 Insufficient cpu.`; undefined: it finds one again. */
  refuse(message: string | undefined): void;
  /** The kubelet is stopped: nothing is started, ended or told, and logs can't be read; what runs goes on. */
  pause(): void;
  /** It works again and tells what happened. */
  resume(): void;
  /** The node's machine is gone: what runs there is dead, and nobody tells. */
  crash(): Promise<void>;
  /** What is in a container's log can't be read any more, as after a rotation. */
  rotateLog(pod: string, container?: string): void;
  /** Ids of a pod's processes; empty when none lives. */
  pidsOf(pod: string): Promise<readonly number[]>;
}

/** How the node is set up. */
export interface NodeOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly images: Set<string>;
  readonly programs: readonly FakeProgram[];
  readonly imageEnvironment: Readonly<Record<string, string>>;
  /** Where pods have their files. */
  readonly root: string;
}

const NOT_SELECTED =
  "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";

/** Scheduler and kubelet of the only node; pods are real processes of this machine. */
export class Kubelet implements FakeNode, PodLogSource {
  readonly name: string = "fake-node-1";
  readonly labels: Record<string, string> = { "kubernetes.io/os": "linux", "kubernetes.io/hostname": "fake-node-1" };
  readonly images: Set<string>;
  readonly #options: NodeOptions;
  readonly #lives = new Map<string, PodLife>();
  readonly #tell: TellEvent;
  readonly #schedulerTell: TellEvent;
  readonly #stop: () => void;
  #work: PromiseWithResolvers<void> | undefined;
  #refusal: string | undefined;
  #made = 0;
  #closed = false;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.images = options.images;
    this.#tell = eventsOf("kubelet", options.store, options.clock);
    this.#schedulerTell = eventsOf("default-scheduler", options.store, options.clock);
    this.#stop = options.store.onChange(({ object, plural, type }) => {
      if (plural === "pods") queueMicrotask(() => this.#see(object.metadata.uid ?? "", type));
    });
  }

  get reachable(): boolean {
    return this.#work === undefined;
  }

  refuse(message: string | undefined): void {
    this.#refusal = message;
    for (const { metadata } of this.#options.store.all("pods")) this.#see(metadata.uid ?? "", "MODIFIED");
  }

  pause(): void {
    this.#work ??= Promise.withResolvers();
  }

  resume(): void {
    this.#work?.resolve();
    this.#work = undefined;
    for (const { metadata } of this.#options.store.all("pods")) this.#see(metadata.uid ?? "", "MODIFIED");
    for (const uid of this.#lives.keys()) this.#see(uid, "MODIFIED");
  }

  async crash(): Promise<void> {
    this.pause();
    await Promise.all(
      [...this.#lives.values()].flatMap(({ containers }) => containers.map((container) => container.kill())),
    );
  }

  rotateLog(pod: string, container = "main"): void {
    const found = [...this.#lives.values()].find((life) => this.#nameOf(life) === pod);
    found?.containers.find((candidate) => candidate.container.name === container)?.log?.rotate();
  }

  async pidsOf(pod: string): Promise<readonly number[]> {
    const lives = [...this.#lives.values()].filter((life) => this.#nameOf(life) === pod);
    return (await Promise.all(lives.map((life) => life.pids()))).flat();
  }

  logOf(podUid: string, container: string): ContainerLog | undefined {
    return this.lifeOf(podUid)?.containers.find((candidate) => candidate.container.name === container)?.log;
  }

  /** What runs of a pod. */
  lifeOf(podUid: string): PodLife | undefined {
    return this.#lives.get(podUid);
  }

  /** Ends every process and waits for it. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stop();
    this.#work?.resolve();
    this.#work = undefined;
    await Promise.all([...this.#lives.values()].map((life) => life.kill()));
  }

  /** Brings what runs in line with the pod as it is now. */
  #see(uid: string, type: string): void {
    const life = this.#lives.get(uid);
    const pod = type === "DELETED" ? undefined : this.#options.store.withUid(uid);
    if (this.#closed || !this.reachable) return;
    if (pod === undefined) {
      void life?.kill().then(() => this.#lives.delete(uid));
      return;
    }
    if (pod.metadata.deletionTimestamp !== undefined) {
      life?.terminate(pod.metadata.deletionGracePeriodSeconds ?? 0);
      return;
    }
    if (life !== undefined || ["Succeeded", "Failed"].includes(String(pod.status?.["phase"]))) return;
    if (pod.spec?.["nodeName"] === this.name) this.#begin(pod);
    else if (pod.spec?.["nodeName"] === undefined) this.#schedule(pod);
  }

  #begin(pod: Stored): void {
    const { clock, images, imageEnvironment, programs, root, store } = this.#options;
    const podIp = `10.88.1.${++this.#made % 250}`;
    const life = new PodLife(pod, {
      store,
      clock,
      root,
      programs,
      imageEnvironment,
      podIp,
      tell: this.#tell,
      hasImage: (image) => images.has(image),
      working: () => this.#work?.promise ?? Promise.resolve(),
    });
    this.#lives.set(life.uid, life);
  }

  #schedule(pod: Stored): void {
    const { clock, store } = this.#options;
    const refusal = this.#refusal ?? (this.#selects(pod) ? undefined : NOT_SELECTED);
    if (refusal !== undefined) {
      const known = conditionsOf(pod).some(({ message, type }) => type === "PodScheduled" && message === refusal);
      if (known) return;
      this.#schedulerTell(pod, "Warning", "FailedScheduling", refusal);
      const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message: refusal } as const;
      store.change(
        pod,
        (now) =>
          ({
            ...now,
            status: { ...now.status, conditions: withCondition(conditionsOf(now), condition, clock.now()) },
          }) as Stored,
      );
      return;
    }
    const { name, namespace } = pod.metadata;
    this.#schedulerTell(pod, "Normal", "Scheduled", `Successfully assigned ${namespace}/${name} to ${this.name}`);
    store.change(
      pod,
      (now) =>
        ({
          ...now,
          spec: { ...now.spec, nodeName: this.name },
          status: {
            ...now.status,
            conditions: withCondition(conditionsOf(now), { type: "PodScheduled", status: "True" }, clock.now()),
          },
        }) as Stored,
    );
  }

  #selects(pod: Stored): boolean {
    const selector: Fields = isFields(pod.spec?.["nodeSelector"]) ? pod.spec["nodeSelector"] : {};
    return Object.entries(selector).every(([key, value]) => this.labels[key] === value);
  }

  #nameOf(life: PodLife): string | undefined {
    return this.#options.store.withUid(life.uid)?.metadata.name;
  }
}

/** States of a pod's containers. */
export function statusesOf(pod: Stored): readonly ContainerStatus[] {
  return (pod.status?.["containerStatuses"] ?? []) as readonly ContainerStatus[];
}
