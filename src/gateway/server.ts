import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import type { Clock } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import { type HttpListener, listenHttp } from "../runtime/http.ts";
import type { ApiEnvironment } from "./api/dependencies.ts";
import type { GatewayConfig } from "./config.ts";
import { SERVER_ERRORS } from "./server-errors.ts";
import type { UpgradeHandler } from "./upgrade.ts";

/** Serves the API and the runners' WebSockets on one port. @throws CodedError ListenFailed */
export async function listenForAll(
  config: Pick<GatewayConfig, "host" | "port" | "tlsCertFile" | "tlsKeyFile">,
  api: Hono<ApiEnvironment>,
  upgrade: UpgradeHandler,
  clock: Clock,
): Promise<HttpListener> {
  const { host, port, tlsCertFile: certFile, tlsKeyFile: keyFile } = config;
  const handle = getRequestListener((request, bindings) => api.fetch(request, bindings), {
    overrideGlobalObjects: false,
    hostname: host,
  });
  const tls = certFile === undefined || keyFile === undefined ? {} : { tls: { certFile, keyFile } };
  try {
    return await listenHttp({ host, port, handle, upgrade, clock, ...tls });
  } catch (cause) {
    throw new CodedError(
      SERVER_ERRORS.ListenFailed,
      `Cannot listen on ${host}:${port}: the address or its TLS files can't be used`,
      { cause },
    );
  }
}

/** True for an address that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
