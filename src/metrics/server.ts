import type { Clock } from "../base/clock.ts";
import { type HttpListener, listenHttp } from "../runtime/http.ts";
import { createMetrics, type MetricSources } from "./catalogue.ts";

/** Where the endpoint listens, and what the probes ask. */
export interface MetricsServerOptions {
  readonly port: number;
  /** Path of the metrics; `/livez` and `/readyz` stand beside it. */
  readonly path: string;
  readonly sources: MetricSources;
  /** Undefined when ready, else why not. */
  readonly notReady: () => string | undefined;
  readonly clock: Clock;
}

/** Serves metrics and probes on all addresses of the machine; started only when a port is configured. */
export function startMetricsServer(options: MetricsServerOptions): Promise<HttpListener> {
  const registry = createMetrics(options.sources);
  return listenHttp({
    host: "0.0.0.0",
    port: options.port,
    clock: options.clock,
    async handle(request, response) {
      const path = request.url?.split("?")[0];
      const reason = options.notReady();
      if (path === options.path) response.setHeader("content-type", registry.contentType).end(await registry.metrics());
      else if (path === "/livez") response.end("ok\n");
      else if (path === "/readyz") response.writeHead(reason === undefined ? 200 : 503).end(`${reason ?? "ready"}\n`);
      else response.writeHead(404).end("not found\n");
    },
  });
}
