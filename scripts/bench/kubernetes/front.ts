import { writeFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { PODS, type Pod } from "../../../src/kubernetes/objects.ts";
import type { Watched } from "../../../src/kubernetes/watched.ts";
import type { Cluster } from "./cluster.ts";

/** What stands in for the log of a pod on a node that is none, however it is asked for. */
const LOG_LINE = "2026-01-01T00:00:00.000000000Z done\n";
const LOG_PATH = /\/pods\/([^/]+)\/log\?/;

/**
 * Stands before the API server, on this machine, and passes everything on: so writes can be counted and the runner's own bodies be
 * seen. Only logs are answered here, as a kubelet would: nodes without containers have none, and a log that can't be read is asked
 * for again and again.
 */
export class Front {
  readonly server: string;
  readonly #http: http.Server;
  readonly #target: ReturnType<Cluster["direct"]>;
  readonly #requests = new Map<string, Map<string, number>>();
  readonly #bodies = new Map<string, string>();
  readonly #pods: Watched<Pod>;
  /** Streams of logs that are followed, by pod: open until its container has ended. */
  readonly #followed = new Map<string, http.ServerResponse[]>();

  private constructor(server: http.Server, cluster: Cluster, pods: Watched<Pod>) {
    this.#http = server;
    this.#pods = pods;
    pods.onChange(({ type, object }) => this.#endStreams(object.metadata.name, type === "gone"));
    this.#target = cluster.direct();
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    this.server = `http://127.0.0.1:${address.port}`;
    server.on("request", (request, response) => this.#take(request, response));
  }

  /** For runs in this namespace. */
  static async open(cluster: Cluster, namespace: string): Promise<Front> {
    const server = http.createServer({ keepAliveTimeout: 60_000 });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Front(server, cluster, await cluster.watch(PODS, namespace, phaseOnly));
  }

  /** A kubeconfig that leads here. */
  async kubeconfig(path: string): Promise<string> {
    const named = { name: "bench" };
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ ...named, cluster: { server: this.server } }],
      users: [{ ...named, user: {} }],
      contexts: [{ ...named, context: { cluster: "bench", user: "bench" } }],
      "current-context": "bench",
    };
    await writeFile(path, JSON.stringify(config), { mode: 0o600 });
    return path;
  }

  /** Requests about a namespace until now, by method and resource; watches and lists count as GET. */
  requests(namespace: string): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#requests.get(namespace) ?? []);
  }

  /** The body of the first POST of this resource, as it was sent. @throws Error when there was none */
  firstBody(resource: string): string {
    const body = this.#bodies.get(resource);
    if (body === undefined) throw new Error(`Cannot measure: no ${resource} were made`);
    return body;
  }

  async close(): Promise<void> {
    await this.#pods.close();
    this.#target.agent.destroy();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #take(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { method = "GET", url = "/" } = request;
    const resource = this.#count(method, url);
    const pod = method === "GET" ? LOG_PATH.exec(url)?.[1] : undefined;
    if (pod !== undefined) {
      this.#answerLog(pod, url.includes("follow=true"), response);
      return;
    }
    const { host: _host, connection: _connection, ...headers } = request.headers;
    const passed = https.request(
      new URL(url, this.#target.server),
      { agent: this.#target.agent, method, headers: { ...headers, ...this.#target.headers } },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        answer.on("error", () => response.destroy());
      },
    );
    passed.on("error", () => response.destroy());
    response.on("close", () => passed.destroy());
    if (method === "POST" && resource !== undefined && !this.#bodies.has(resource)) this.#keep(request, resource);
    request.pipe(passed);
  }

  #answerLog(pod: string, follow: boolean, response: http.ServerResponse): void {
    response.write(LOG_LINE);
    if (!follow) return void response.end();
    this.#followed.set(pod, [...(this.#followed.get(pod) ?? []), response]);
    this.#endStreams(pod, false);
  }

  #endStreams(pod: string, isGone: boolean): void {
    const phase = this.#pods.get(pod)?.status?.phase;
    if (!isGone && phase !== "Succeeded" && phase !== "Failed") return;
    for (const response of this.#followed.get(pod) ?? []) response.end();
    this.#followed.delete(pod);
  }

  #count(method: string, url: string): string | undefined {
    const [, namespace, resource, part = ""] = /\/namespaces\/([^/]+)\/([a-z]+)(?:\/[^/?]+(\/log))?/.exec(url) ?? [];
    if (namespace === undefined || resource === undefined) return undefined;
    const counts = this.#requests.get(namespace) ?? new Map<string, number>();
    const name = `${method} ${resource}${part}`;
    this.#requests.set(namespace, counts.set(name, (counts.get(name) ?? 0) + 1));
    return resource;
  }

  #keep(request: http.IncomingMessage, resource: string): void {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => this.#bodies.set(resource, Buffer.concat(parts).toString("utf8")));
  }
}

function phaseOnly({ apiVersion, kind, metadata, status }: Pod): Pod {
  const { name, uid, resourceVersion } = metadata;
  return { apiVersion, kind, metadata: { name, uid, resourceVersion }, status: { phase: status?.phase } } as Pod;
}
