import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, sleep } from "../../../src/base/clock.ts";
import type { Container } from "../../../src/kubernetes/objects.ts";
import type { TellEvent } from "./cluster-events.ts";
import { ContainerLife, type ContainerWorld } from "./container-life.ts";
import { deleteObject } from "./deletion.ts";
import type { Stored } from "./kinds.ts";
import type { ObjectStore } from "./object-store.ts";
import { type PodStanding, withStatus } from "./pod-status.ts";
import { mountVolumes } from "./pod-volumes.ts";

/** What a pod's life needs of its node. */
export interface PodLifeOptions extends Pick<ContainerWorld, "hasImage" | "programs" | "imageEnvironment"> {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly tell: TellEvent;
  /** Where pods have their private directories. */
  readonly root: string;
  readonly podIp: string;
  /** Resolves while the node works, at once. */
  working(): Promise<void>;
}

/** From one try to mount a volume or to make a container to the next. */
export const RETRY_MS = 50;

/** One pod on the node: volumes, init containers, containers, the end, and its removal when it is deleted. */
export class PodLife {
  readonly containers: readonly ContainerLife[];
  readonly #options: PodLifeOptions;
  readonly #pod: Stored;
  readonly #ending = new AbortController();
  readonly #startTime: number;
  readonly #over: Promise<void>;
  #ended: PodStanding["ended"];
  #directory = "";

  constructor(pod: Stored, options: PodLifeOptions) {
    this.#pod = pod;
    this.#options = options;
    this.#startTime = options.clock.now();
    const list = (key: string): readonly Container[] => (pod.spec?.[key] ?? []) as readonly Container[];
    const life = (container: Container, init: boolean): ContainerLife =>
      new ContainerLife(container, init, pod, {
        ...options,
        changed: () => this.publish(),
        ending: this.#ending.signal,
      });
    this.containers = [
      ...list("initContainers").map((container) => life(container, true)),
      ...list("containers").map((container) => life(container, false)),
    ];
    this.#over = this.#live();
  }

  get uid(): string {
    return this.#pod.metadata.uid ?? "";
  }

  /** Ids of its processes. */
  async pids(): Promise<readonly number[]> {
    return (await Promise.all(this.containers.map((container) => container.pids()))).flat();
  }

  /** Tells the API how it stands. */
  publish(): void {
    void this.#options.working().then(() => {
      const { clock, podIp, store } = this.#options;
      const ended = this.#ended === undefined ? {} : { ended: this.#ended };
      const standing = { containers: this.containers, startTime: this.#startTime, podIp, ...ended };
      store.change(this.#pod, (now) => withStatus(now, standing, clock.now()));
    });
  }

  /** Ends it as a deletion does: TERM, and KILL after the grace; the object goes when nothing runs any more. */
  terminate(graceSeconds: number): void {
    if (this.#ending.signal.aborted) {
      if (graceSeconds === 0) void this.kill();
      return;
    }
    this.#ending.abort();
    for (const container of this.containers) container.terminate(this.#options.clock, graceSeconds);
  }

  /** Ends it with a reason of its own, as an eviction does; the object stays. */
  async fail(reason: string, message: string): Promise<void> {
    this.#ended = { phase: "Failed", reason, message };
    await this.kill();
  }

  /** Nothing runs any more when this resolves, and its files are gone. */
  async kill(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.containers.map((container) => container.kill()));
    await this.#over;
    if (this.#directory !== "") await rm(this.#directory, { recursive: true, force: true });
  }

  async #live(): Promise<void> {
    await this.#options.working();
    try {
      this.publish();
      this.#directory = await mkdtemp(join(this.#options.root, `${this.#pod.metadata.name}-`));
      await mkdir(join(this.#directory, "rootfs"));
      const directories = await this.#mount();
      const failed = directories === undefined || (await this.#initialize(directories));
      const mains = this.containers.filter(({ init }) => !init);
      if (!failed && directories !== undefined) {
        await Promise.all(mains.map((container) => container.run(this.#directory, directories)));
      }
      for (const container of this.containers) if (container.sidecar) container.terminate(this.#options.clock, 1);
      await Promise.all(this.containers.map((container) => container.over));
    } finally {
      this.#end();
    }
  }

  /** True when an init container failed. */
  async #initialize(directories: ReadonlyMap<string, string>): Promise<boolean> {
    for (const container of this.containers.filter(({ init }) => init)) {
      const run = container.run(this.#directory, directories);
      await (container.sidecar ? container.started : run);
      if (this.#ending.signal.aborted) return true;
      if (!container.sidecar && container.state.terminated?.exitCode !== 0) return true;
    }
    return false;
  }

  async #mount(): Promise<ReadonlyMap<string, string> | undefined> {
    const { clock, store, tell } = this.#options;
    while (!this.#ending.signal.aborted) {
      const mounted = await mountVolumes(store, this.#pod, this.#directory);
      if ("directories" in mounted) return mounted.directories;
      tell(this.#pod, "Warning", "FailedMount", mounted.failed);
      await sleep(clock, RETRY_MS);
    }
    return undefined;
  }

  #end(): void {
    const deleted = this.#ending.signal.aborted;
    for (const container of this.containers) container.conclude(deleted);
    const mains = this.containers.filter(({ init, sidecar }) => !init || !sidecar);
    const good = mains.every(({ state }) => state.terminated?.exitCode === 0);
    this.#ended ??= { phase: good ? "Succeeded" : "Failed" };
    this.publish();
    void this.#options.working().then(async () => {
      const { clock, store } = this.#options;
      const now = store.withUid(this.uid);
      if (now?.metadata.deletionTimestamp !== undefined) {
        deleteObject(store, clock, now, { propagation: "Background", gracePeriodSeconds: 0 });
      }
    });
  }
}
