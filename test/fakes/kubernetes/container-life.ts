import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, sleep } from "../../../src/base/clock.ts";
import { errorCode } from "../../../src/base/errors.ts";
import { POD_VARIABLES, TERMINATION_LOG } from "../../../src/executor/pods/wrapper/wrapper-place.ts";
import type { Container, ContainerState } from "../../../src/kubernetes/objects.ts";
import type { TellEvent } from "./cluster-events.ts";
import { ContainerLog } from "./container-log.ts";
import { ContainerProcess } from "./container-process.ts";
import { type Stored, timeText } from "./kinds.ts";
import type { ObjectStore } from "./object-store.ts";
import { containerEnvironment, expand } from "./pod-environment.ts";
import { pathPairs, translator } from "./pod-paths.ts";

/** Words of a command that stand for others: `["python", "main.py"]` for a program that is on this machine. */
export interface FakeProgram {
  readonly words: readonly string[];
  readonly run: readonly string[];
}

/** What a container's life needs around it. */
export interface ContainerWorld {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly tell: TellEvent;
  readonly programs: readonly FakeProgram[];
  readonly imageEnvironment: Readonly<Record<string, string>>;
  hasImage(image: string): boolean;
  /** Its state is another one. */
  changed(): void;
  /** The pod shall end: nothing is started any more. */
  readonly ending: AbortSignal;
}

const RETRY_MS = 50;
const MOST_MESSAGE_BYTES = 4096;
const FALLBACK_BYTES = 2048;
const UNKNOWN = "The container could not be located when the pod was terminated";

/** One container of a pod, from waiting to terminated. */
export class ContainerLife {
  readonly container: Container;
  readonly init: boolean;
  readonly #pod: Stored;
  readonly #world: ContainerWorld;
  readonly #started = Promise.withResolvers<void>();
  state: ContainerState;
  log: ContainerLog | undefined;
  #process: ContainerProcess | undefined;
  #run: Promise<void> | undefined;
  #killedAs = "";
  #wantedEnd: ((process: ContainerProcess) => void) | undefined;

  constructor(container: Container, init: boolean, pod: Stored, world: ContainerWorld) {
    this.container = container;
    this.init = init;
    this.#pod = pod;
    this.#world = world;
    const first = ((pod.spec?.["initContainers"] ?? []) as readonly unknown[]).length > 0;
    this.state = { waiting: { reason: first ? "PodInitializing" : "ContainerCreating" } };
  }

  /** An init container that goes on beside the others. */
  get sidecar(): boolean {
    return this.init && this.container["restartPolicy"] === "Always";
  }

  /** Settles when it runs, or never will. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  /** Settles when nothing of it runs. */
  get over(): Promise<void> {
    return this.#run ?? Promise.resolve();
  }

  async pids(): Promise<readonly number[]> {
    return this.state.running === undefined ? [] : ((await this.#process?.pids()) ?? []);
  }

  /** Pulls, starts, and waits for the end. Never throws. */
  run(directory: string, volumes: ReadonlyMap<string, string>): Promise<void> {
    this.#run = this.#live(directory, volumes).finally(() => this.#started.resolve());
    return this.#run;
  }

  /** TERM to its main process, KILL to all after the grace. */
  terminate(clock: Clock, graceSeconds: number): void {
    this.#endWith((process) => {
      this.#world.tell(
        this.#pod,
        "Normal",
        "Killing",
        `Stopping container ${this.container.name}`,
        this.container.name,
      );
      process.terminate();
      const cancel = clock.schedule(graceSeconds * 1000, () => void process.kill());
      void process.exited.then(cancel);
    });
  }

  /** KILL to all of it; `reason` is what its end is called, `Error` when absent. */
  async kill(reason?: string): Promise<void> {
    if (reason !== undefined) this.#killedAs = reason;
    this.#endWith((process) => void process.kill());
    await this.#process?.exited;
  }

  /** Now, or as soon as a process that is being started is there. */
  #endWith(end: (process: ContainerProcess) => void): void {
    this.#wantedEnd = end;
    if (this.#process !== undefined && this.state.terminated === undefined) end(this.#process);
  }

  /** The pod is over: what never ran gets its final state. */
  conclude(deleted: boolean): void {
    if (this.state.terminated !== undefined || !deleted) return;
    this.state = { terminated: { exitCode: 137, reason: "ContainerStatusUnknown", message: UNKNOWN } };
  }

  async #live(directory: string, volumes: ReadonlyMap<string, string>): Promise<void> {
    const { ending, tell } = this.#world;
    const { name } = this.container;
    const told = join(directory, `${name}-termination-log`);
    await writeFile(told, "");
    const inside = this.container["terminationMessagePath"];
    const pairs = pathPairs(this.container.volumeMounts ?? [], (volume) => volumes.get(volume));
    const translate = translator([
      ...pairs,
      { inside: typeof inside === "string" ? inside : TERMINATION_LOG, outside: told },
    ]);
    if (!(await this.#pull())) return;
    const env = await this.#environment(translate);
    if (env === undefined || ending.aborted) return;
    const temporary = pairs.find((pair) => pair.inside === "/tmp");
    const all = {
      PATH: process.env["PATH"] ?? "",
      HOSTNAME: this.#pod.metadata.name,
      ...this.#world.imageEnvironment,
      ...(temporary === undefined ? {} : { TMPDIR: temporary.outside }),
      ...env,
      [POD_VARIABLES.terminationLog]: told,
    };
    const words = [...(this.container.command ?? []), ...(this.container.args ?? [])];
    const argv = replaceWords(words, this.#world.programs).map((word) => translate(expand(word, all)));
    const cwd =
      this.container.workingDir === undefined ? join(directory, "rootfs") : translate(this.container.workingDir);
    if (cwd.startsWith(directory)) await mkdir(cwd, { recursive: true });
    tell(this.#pod, "Normal", "Created", `Created container: ${name}`, name);
    const startedAt = await this.#start(argv, all, cwd.startsWith(directory) ? cwd : join(directory, "rootfs"));
    if (startedAt === undefined) return;
    await this.#process?.exited.then(({ exitCode }) => this.#exited(exitCode, startedAt, told));
  }

  async #start(
    argv: readonly string[],
    env: Readonly<Record<string, string>>,
    cwd: string,
  ): Promise<string | undefined> {
    const { clock, tell } = this.#world;
    const { name } = this.container;
    const log = new ContainerLog(() => clock.now());
    try {
      const process = await ContainerProcess.start({ argv, env, cwd, log });
      this.#process = process;
      this.#wantedEnd?.(process);
    } catch (error) {
      const state = errorCode(error) === "ENOENT" ? "executable file not found in $PATH" : "permission denied";
      const message = `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "${argv[0]}": ${state}`;
      tell(this.#pod, "Warning", "Failed", `Error: ${message}`, name);
      const finishedAt = timeText(clock.now());
      this.#set({ terminated: { exitCode: 128, reason: "StartError", message, startedAt: timeText(0), finishedAt } });
      return undefined;
    }
    this.log = log;
    const startedAt = timeText(clock.now());
    tell(this.#pod, "Normal", "Started", `Started container ${name}`, name);
    this.#set({ running: { startedAt } });
    this.#started.resolve();
    return startedAt;
  }

  async #exited(exitCode: number, startedAt: string, told: string): Promise<void> {
    const message = await this.#message(told, exitCode);
    const reason = this.#killedAs !== "" ? this.#killedAs : exitCode === 0 ? "Completed" : "Error";
    const finishedAt = timeText(this.#world.clock.now());
    this.#set({ terminated: { exitCode, reason, ...(message === "" ? {} : { message }), startedAt, finishedAt } });
  }

  /** The termination message: the file's, or the end of the log where that is asked for and the file is empty. */
  async #message(path: string, exitCode: number): Promise<string> {
    const text = (await readFile(path).catch(() => Buffer.alloc(0))).subarray(0, MOST_MESSAGE_BYTES).toString();
    if (text !== "" || exitCode === 0 || this.container.terminationMessagePolicy !== "FallbackToLogsOnError")
      return text;
    const lines = this.log?.file.slice(-80).map(({ bytes }) => Buffer.from(bytes)) ?? [];
    return Buffer.concat(lines).subarray(-FALLBACK_BYTES).toString();
  }

  /** False when the pod ends before the image is there. */
  async #pull(): Promise<boolean> {
    const { clock, ending, hasImage, tell } = this.#world;
    const { image = "", imagePullPolicy, name } = this.container;
    const wait = (reason: string, message: string): void => this.#set({ waiting: { reason, message } });
    for (let tries = 0; !ending.aborted; tries++) {
      if (hasImage(image)) {
        if (tries === 0)
          tell(this.#pod, "Normal", "Pulled", `Container image "${image}" already present on machine`, name);
        return true;
      }
      const failed = `failed to pull and unpack image "${image}": failed to resolve reference "${image}": not found`;
      if (!/^[a-z0-9]([a-z0-9._/-]|:\d+\/)*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/.test(image)) {
        const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`;
        tell(this.#pod, "Warning", "InspectFailed", message, name);
        wait("InvalidImageName", message);
      } else if (imagePullPolicy === "Never") {
        const message = `Container image "${image}" is not present with pull policy of Never`;
        tell(this.#pod, "Warning", "ErrImageNeverPull", message, name);
        wait("ErrImageNeverPull", message);
      } else if (tries % 4 === 0) {
        tell(this.#pod, "Normal", "Pulling", `Pulling image "${image}"`, name);
        tell(this.#pod, "Warning", "Failed", `Failed to pull image "${image}": ${failed}`, name);
        tell(this.#pod, "Warning", "Failed", "Error: ErrImagePull", name);
        wait("ErrImagePull", failed);
      } else if (tries % 4 === 1) {
        tell(this.#pod, "Normal", "BackOff", `Back-off pulling image "${image}"`, name);
        tell(this.#pod, "Warning", "Failed", "Error: ImagePullBackOff", name);
        wait("ImagePullBackOff", `Back-off pulling image "${image}": ErrImagePull: ${failed}`);
      }
      await sleep(clock, RETRY_MS);
    }
    return false;
  }

  async #environment(translate: (text: string) => string): Promise<Readonly<Record<string, string>> | undefined> {
    const { clock, ending, store, tell } = this.#world;
    while (!ending.aborted) {
      const built = containerEnvironment(store, this.#pod, this.container, translate);
      if ("env" in built) return built.env;
      tell(this.#pod, "Warning", "Failed", `Error: ${built.failed}`, this.container.name);
      this.#set({ waiting: { reason: "CreateContainerConfigError", message: built.failed } });
      await sleep(clock, RETRY_MS);
    }
    return undefined;
  }

  #set(state: ContainerState): void {
    this.state = state;
    this.#world.changed();
  }
}

/** Puts the words of programs in place of those that stand for them. */
function replaceWords(words: readonly string[], programs: readonly FakeProgram[]): readonly string[] {
  let result = [...words];
  for (const { run, words: wanted } of programs) {
    const at = result.findIndex((_, index) => wanted.every((word, offset) => result[index + offset] === word));
    if (at >= 0) result = [...result.slice(0, at), ...run, ...result.slice(at + wanted.length)];
  }
  return result;
}
