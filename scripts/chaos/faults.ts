import { type Chance, openChance } from "./chance.ts";
import type { Orders } from "./orders.ts";
import { claimedRuns, freeze, kill, processesOf, supervisorsIn } from "./processes.ts";
import { type ChaosSite, wait } from "./site.ts";

/** What was done to the world, for the judgement. */
export interface FaultRecord {
  /** Faults that were injected, by kind. */
  readonly counts: Map<string, number>;
  /** Runs whose supervisor was killed when it had claimed them and not ended them. */
  readonly supervisorKilled: Set<string>;
  /** Runs whose program was killed. */
  readonly programKilled: Set<string>;
  /** Runs that somebody asked to stop, whether the request came through or not. */
  readonly stopped: Set<string>;
  /** All in their order, for people. */
  readonly story: string[];
}

type Fault = (chance: Chance) => Promise<string | undefined>;

/** Does random harm until it is told to stop; which harm and when is fixed by the seed, whom it meets depends on the moment. */
export class Faults {
  readonly record: FaultRecord = {
    counts: new Map(),
    supervisorKilled: new Set(),
    programKilled: new Set(),
    stopped: new Set(),
    story: [],
  };
  readonly #site: ChaosSite;
  readonly #orders: Orders;
  readonly #faults: readonly { readonly weight: number; readonly value: readonly [string, Fault] }[];
  #stopping = false;

  constructor(site: ChaosSite, orders: Orders) {
    this.#site = site;
    this.#orders = orders;
    this.#faults = [
      { weight: 30, value: ["supervisor killed", (chance) => this.#killSupervisor(chance)] },
      { weight: 20, value: ["runner killed", (chance) => this.#killRunner(chance)] },
      { weight: 10, value: ["gateway killed", (chance) => this.#killGateway(chance)] },
      { weight: 3, value: ["runner and gateway killed", (chance) => this.#killBoth(chance)] },
      { weight: 3, value: ["runner and supervisor killed", (chance) => this.#killRunnerAndSupervisor(chance)] },
      { weight: 6, value: ["program killed", (chance) => this.#killProgram(chance)] },
      { weight: 10, value: ["line cut", async () => plural(this.#site.proxy.cut(), "line")] },
      { weight: 2, value: ["line dead", async () => plural(this.#site.proxy.swallow(), "line")] },
      { weight: 3, value: ["runner frozen", (chance) => this.#freezeRunner(chance)] },
      { weight: 10, value: ["run stopped", (chance) => this.#stopRun(chance)] },
      { weight: 3, value: ["pipeline stopped", (chance) => this.#stopPipeline(chance)] },
    ];
  }

  /** Injects until `stop`. */
  async run(seed: number, meanSeconds: number): Promise<void> {
    const chance = openChance(seed, "faults");
    const begin = performance.now();
    while (!this.#stopping) {
      const pauseMs = chance.between(0.2, 1.8) * meanSeconds * 1000;
      const [name, fault] = chance.weighted(this.#faults) ?? [];
      const own = openChance(Math.floor(chance.next() * 2 ** 32), "whom");
      await this.#pause(pauseMs);
      if (this.#stopping || name === undefined || fault === undefined) return;
      const met = await fault(own);
      if (met === undefined) continue;
      this.record.counts.set(name, (this.record.counts.get(name) ?? 0) + 1);
      this.record.story.push(`${((performance.now() - begin) / 1000).toFixed(1)} s  ${name}: ${met}`);
    }
  }

  /** No further fault; one that is under way is finished, with what it killed started again. */
  stop(): void {
    this.#stopping = true;
  }

  async #pause(ms: number): Promise<void> {
    const until = performance.now() + ms;
    while (!this.#stopping && performance.now() < until) await wait(Math.min(100, until - performance.now() + 1));
  }

  async #killSupervisor(chance: Chance): Promise<string | undefined> {
    const { runsDirectory } = this.#site;
    const supervisors = await supervisorsIn(runsDirectory);
    const atWork = supervisors.filter(({ runId }) => runId !== undefined);
    // Now and then one that waits for a run, or has just been given one.
    const supervisor = chance.pick(chance.next() < 0.75 && atWork.length > 0 ? atWork : supervisors);
    if (supervisor === undefined || !(await freeze(supervisor.pid))) return undefined;
    // It goes from run to run: only while it stands still is it certain which one is hit.
    const runId = (await claimedRuns(runsDirectory)).get(supervisor.pid);
    if (runId !== undefined) this.record.supervisorKilled.add(runId);
    return kill(supervisor.pid) ? (runId === undefined ? "one without a run" : `run ${runId}`) : undefined;
  }

  async #killRunner(chance: Chance): Promise<string> {
    await this.#site.killRunner();
    const ms = awayFor(chance);
    await wait(ms);
    this.#site.startRunner();
    return `back after ${ms} ms`;
  }

  async #killGateway(chance: Chance): Promise<string> {
    await this.#site.killGateway();
    const ms = awayFor(chance);
    await wait(ms);
    await this.#site.startGateway();
    return `back after ${ms} ms`;
  }

  async #killBoth(chance: Chance): Promise<string> {
    await Promise.all([this.#site.killRunner(), this.#site.killGateway()]);
    const ms = awayFor(chance);
    await wait(ms);
    this.#site.startRunner();
    await this.#site.startGateway();
    return `back after ${ms} ms`;
  }

  async #killRunnerAndSupervisor(chance: Chance): Promise<string | undefined> {
    const met = await this.#killSupervisor(chance);
    if (met === undefined) return undefined;
    return `${met}; runner ${await this.#killRunner(chance)}`;
  }

  async #killProgram(chance: Chance): Promise<string | undefined> {
    const program = chance.pick(
      (await processesOf(`${this.#site.directory}/program.sh`)).filter(({ command }) => command.startsWith("/bin/sh ")),
    );
    if (program === undefined) return undefined;
    const runId = await runOf(program.pid);
    if (runId === undefined) return undefined;
    this.record.programKilled.add(runId);
    return kill(program.pid) ? `run ${runId}` : undefined;
  }

  async #freezeRunner(chance: Chance): Promise<string> {
    const ms = Math.round(chance.between(500, 4000));
    this.#site.signalRunner("SIGSTOP");
    await wait(ms);
    this.#site.signalRunner("SIGCONT");
    return `for ${ms} ms`;
  }

  async #stopRun(chance: Chance): Promise<string | undefined> {
    const runId = chance.pick([...this.#orders.open]);
    if (runId === undefined) return undefined;
    this.record.stopped.add(runId);
    const failed = await this.#site.api("POST", `/runs/${runId}/stop`).catch((error: unknown) => String(error));
    return `run ${runId}${typeof failed === "string" ? ` (${failed})` : ""}`;
  }

  async #stopPipeline(chance: Chance): Promise<string | undefined> {
    const pipelineId = chance.pick(this.#orders.pipelineIds);
    if (pipelineId === undefined) return undefined;
    const note = (): void => {
      for (const runId of this.#orders.open) {
        if (this.#orders.placed.get(runId) === pipelineId) this.record.stopped.add(runId);
      }
    };
    note();
    await this.#site.api("POST", `/pipelines/${pipelineId}/stop`).catch(() => undefined);
    note();
    return `${this.#orders.behaviour(pipelineId)?.type}`;
  }
}

function awayFor(chance: Chance): number {
  return Math.round(chance.next() < 0.5 ? chance.between(0, 100) : chance.between(100, 3000));
}

function plural(count: number, what: string): string | undefined {
  return count === 0 ? undefined : `${count} ${what}${count === 1 ? "" : "s"}`;
}

async function runOf(pid: number): Promise<string | undefined> {
  const { readFile } = await import("node:fs/promises");
  const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
  return /(?:^|\0)pipelineRunId=([0-9a-f-]{36})/.exec(environment)?.[1];
}
