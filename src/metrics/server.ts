import type { Clock } from "../base/clock.ts";
import { type HttpListener, type HttpRequest, type HttpResponse, listenHttp } from "../runtime/http.ts";
import { exposeMetrics, METRICS_TYPE } from "./exposition.ts";
import type { MetricSnapshot } from "./snapshot.ts";

/** Where an endpoint listens, and what it answers with. */
export interface MetricsServerOptions {
  readonly host: string;
  readonly port: number;
  /** Paths of the metrics; `/livez` and `/readyz` stand beside them. */
  readonly paths: readonly string[];
  readonly snapshot: () => MetricSnapshot;
  /** One line for each loop that is stuck; none when all go round. */
  readonly stuck: () => readonly string[];
  /** One line for each reason not to be ready; none when ready. */
  readonly notReady: () => Promise<readonly string[]>;
  readonly clock: Clock;
}

/**
 * Serves metrics and probes.
 * @throws the system's error when the address can't be listened on
 */
export function startMetricsServer(options: MetricsServerOptions): Promise<HttpListener> {
  const { host, port, clock } = options;
  return listenHttp({ host, port, clock, handle: (request, response) => answer(options, request, response) });
}

async function answer(options: MetricsServerOptions, request: HttpRequest, response: HttpResponse): Promise<void> {
  const path = request.url?.split("?")[0] ?? "";
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD" }).end("only GET and HEAD\n");
  } else if (options.paths.includes(path)) {
    response.setHeader("content-type", METRICS_TYPE).end(await exposeMetrics(options.snapshot()));
  } else if (path === "/livez") {
    probe(response, options.stuck(), "ok");
  } else if (path === "/readyz") {
    probe(response, await options.notReady(), "ready");
  } else {
    response.writeHead(404).end("not found\n");
  }
}

function probe(response: HttpResponse, reasons: readonly string[], good: string): void {
  response.writeHead(reasons.length === 0 ? 200 : 503, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${reasons.length === 0 ? good : reasons.join("\n")}\n`);
}
