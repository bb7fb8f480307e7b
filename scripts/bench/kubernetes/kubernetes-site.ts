import http from "node:http";
import { join } from "node:path";
import type { BenchContext } from "../figure.ts";
import { until } from "../processes.ts";
import { RUNNER_ID, type RunnerProcess, type RunView, Site } from "../site.ts";
import type { Cluster } from "./cluster.ts";
import { Front } from "./front.ts";
import type { RawTarget, RunBodies } from "./raw-posts.ts";

/** Image with a shell that the cluster's nodes have; on nodes without containers any name does. */
const IMAGE = process.env["HYBRID_RUNNER_BENCH_IMAGE"] ?? "test.local/busybox:1";

/** Where pods go: to nodes without containers, which let them succeed at once; to real ones; nowhere, so that they wait for ever. */
export type PodPlace = "fake" | "real" | "nowhere";

const PLACES: Readonly<Record<PodPlace, Readonly<Record<string, string>>>> = {
  fake: { INGESTION_NODE_SELECTOR: "type=fake", INGESTION_CUSTOMER_TOLERATION: "type=fake:NoSchedule" },
  real: {},
  nowhere: { INGESTION_PIPELINE_TYPE_CONFIGS: JSON.stringify({ metadata: { schedulerName: "hybrid-runner-bench" } }) },
};

/** How a site is made. */
export interface KubernetesSiteOptions {
  readonly topic: string;
  readonly pods: PodPlace;
  /** The program of the pods. */
  readonly command?: readonly string[];
  /** Puts something between the runner and the API server that counts. */
  readonly withFront?: boolean;
  readonly prepare?: (site: Site) => Promise<void>;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A gateway, and runners that run in a namespace of their own. */
export class KubernetesSite {
  readonly site: Site;
  readonly namespace: string;
  readonly front: Front | undefined;
  readonly #cluster: Cluster;
  readonly #kubeconfig: string;
  readonly #options: KubernetesSiteOptions;
  /** Namespaces that are removed with the site. */
  readonly #namespaces: string[];

  private constructor(
    cluster: Cluster,
    site: Site,
    front: Front | undefined,
    kubeconfig: string,
    namespaces: string[],
    options: KubernetesSiteOptions,
  ) {
    this.#cluster = cluster;
    this.site = site;
    this.front = front;
    this.#kubeconfig = kubeconfig;
    this.#namespaces = namespaces;
    this.namespace = namespaces[0] ?? "";
    this.#options = options;
  }

  static async open(bench: BenchContext, cluster: Cluster, options: KubernetesSiteOptions): Promise<KubernetesSite> {
    const directory = join(bench.directory, `kubernetes-${options.topic}`);
    const site = await Site.open(bench.executable, directory, options.prepare);
    let front: Front | undefined;
    const namespaces: string[] = [];
    try {
      namespaces.push(await cluster.makeNamespace(options.topic));
      front = options.withFront === true ? await Front.open(cluster, namespaces[0] ?? "") : undefined;
      const kubeconfig = (await front?.kubeconfig(join(directory, "kubeconfig"))) ?? process.env["KUBECONFIG"] ?? "";
      return new KubernetesSite(cluster, site, front, kubeconfig, namespaces, options);
    } catch (error) {
      await site.close();
      await front?.close();
      for (const name of namespaces) await cluster.removeNamespace(name);
      throw error;
    }
  }

  /** Variables of a runner here, beside those that every runner of a site has. */
  get environment(): Readonly<Record<string, string>> {
    const { pods, environment } = this.#options;
    return {
      // The mode native wants a store that the image knows: the one that is chosen without a setting.
      SECRETS_MANAGER: "",
      SECRETS_DIRECTORY: "",
      SECRETS_MODE: "native",
      EXECUTOR_TYPE: "simpleK8s",
      KUBECONFIG: this.#kubeconfig,
      INGESTION_NAMESPACE: this.namespace,
      INGESTION_IMAGE: IMAGE,
      ...PLACES[pods],
      ...environment,
    };
  }

  /** Starts a runner from the executable. */
  startRunner(): Promise<RunnerProcess> {
    return this.site.startRunner(this.#command, this.environment);
  }

  /** Starts another program as the runner. */
  async startRunnerAs(program: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<RunnerProcess> {
    const own = await this.site.runnerEnvironment(this.#command);
    return this.site.startRunnerAs(program, { ...own, ...this.environment, ...more });
  }

  /** Where the same objects are posted to for comparison: a namespace of its own, on the way that the runner takes. */
  async rawTarget(): Promise<RawTarget> {
    const namespace = await this.#cluster.makeNamespace(`${this.#options.topic}-raw`);
    this.#namespaces.push(namespace);
    if (this.front === undefined) return { ...this.#cluster.direct(), namespace };
    const agent = new http.Agent({ keepAlive: true });
    return { server: this.front.server, agent, headers: {}, namespace };
  }

  /** The Job and the Secret that the runner has sent first. */
  bodies(): RunBodies {
    if (this.front === undefined) throw new Error("Cannot measure: nothing stands before the API server");
    return { job: this.front.firstBody("jobs"), secret: this.front.firstBody("secrets") };
  }

  /** Runs that have not ended, up to 500 of them. */
  async open(): Promise<readonly RunView[]> {
    const query = `runnerId=${RUNNER_ID}&state=queued&state=running&limit=500`;
    return (await this.site.api<{ runs: readonly RunView[] }>("GET", `/runs?${query}`)).runs;
  }

  /** Waits until every run has ended, as the gateway knows it. */
  async allEnded(limitMs: number): Promise<void> {
    await until("the end of all runs", async () => (await this.open()).length === 0 || undefined, limitMs, 250);
  }

  /** Waits until the runner has written the last thing of each run, which lets the cluster forget it. Answers all requests by method and resource. */
  async allReleased(limitMs: number): Promise<Readonly<Record<string, number>>> {
    return until(
      "the release of all runs",
      () => {
        const requests = this.front?.requests(this.namespace) ?? {};
        return (requests["PATCH jobs"] ?? 0) >= (requests["POST jobs"] ?? 0) ? requests : undefined;
      },
      limitMs,
      100,
    );
  }

  /** States of all runs that the gateway has, by how many have them. */
  async states(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    let before = "";
    do {
      const path = `/runs?limit=500${before}`;
      const { runs, nextBefore } = await this.site.api<{ runs: readonly RunView[]; nextBefore?: string }>("GET", path);
      for (const { state } of runs) counts.set(state, (counts.get(state) ?? 0) + 1);
      before = nextBefore === undefined ? "" : `&before=${nextBefore}`;
    } while (before !== "");
    return counts;
  }

  /** Ends the processes and removes the namespaces with all that is in them. */
  async close(): Promise<void> {
    await this.site.close();
    await this.front?.close();
    await Promise.all(this.#namespaces.map((name) => this.#cluster.removeNamespace(name)));
  }

  get #command(): readonly string[] {
    return this.#options.command ?? ["/bin/true"];
  }
}
