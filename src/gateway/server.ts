import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import type { Clock } from "../base/clock.ts";
import { CodedError, errorCode } from "../base/errors.ts";
import { type HttpListener, type HttpListenOptions, listenHttp } from "../runtime/http.ts";
import type { ApiEnvironment } from "./api/dependencies.ts";
import type { GatewayConfig } from "./config.ts";
import { SERVER_ERRORS } from "./server-errors.ts";
import type { UpgradeHandler } from "./upgrade.ts";

type ListenSettings = Pick<GatewayConfig, "host" | "port" | "tlsCertFile" | "tlsKeyFile">;

/** Serves the API and the runners' WebSockets on one port. @throws CodedError ListenFailed */
export async function listenForAll(
  config: ListenSettings,
  api: Hono<ApiEnvironment>,
  upgrade: UpgradeHandler,
  clock: Clock,
): Promise<HttpListener> {
  const handle = getRequestListener((request, bindings) => api.fetch(request, bindings), {
    overrideGlobalObjects: false,
    hostname: config.host,
  });
  return listenAt(config, { handle, upgrade, clock });
}

/**
 * Listens for a moment and serves nobody: a gateway that can't listen is to know before it makes keys and a database.
 * @throws CodedError ListenFailed
 */
export async function proveListening(config: ListenSettings, clock: Clock): Promise<void> {
  const listener = await listenAt(config, { handle: (_, response) => void response.destroy(), clock });
  await listener.close(0);
}

async function listenAt(
  config: ListenSettings,
  service: Pick<HttpListenOptions, "handle" | "upgrade" | "clock">,
): Promise<HttpListener> {
  const { host, port, tlsCertFile: certFile, tlsKeyFile: keyFile } = config;
  const tls = certFile === undefined || keyFile === undefined ? {} : { tls: { certFile, keyFile } };
  try {
    return await listenHttp({ host, port, ...service, ...tls });
  } catch (cause) {
    throw new CodedError(SERVER_ERRORS.ListenFailed, `Cannot listen on ${host}:${port}: ${whyNot(cause, config)}`, {
      cause,
      ...adviceOn(cause),
    });
  }
}

/** What is in the way; the runtime's own words follow as the cause. */
function whyNot(
  cause: unknown,
  { tlsCertFile, tlsKeyFile }: Pick<GatewayConfig, "tlsCertFile" | "tlsKeyFile">,
): string {
  const path = typeof cause === "object" && cause !== null && "path" in cause ? cause.path : undefined;
  if (path !== undefined && path === tlsCertFile) return "the file of --tls-cert-file can't be read";
  if (path !== undefined && path === tlsKeyFile) return "the file of --tls-key-file can't be read";
  const told = LISTEN_FAILURES[errorCode(cause) ?? ""];
  if (told !== undefined) return told[0];
  return /^ERR_(?:OSSL|SSL)/.test(errorCode(cause) ?? "")
    ? "what --tls-cert-file and --tls-key-file hold is no certificate with its private key"
    : "the address or its TLS files can't be used";
}

function adviceOn(cause: unknown): { readonly advice?: string } {
  const advice = LISTEN_FAILURES[errorCode(cause) ?? ""]?.[1];
  const isFile = typeof cause === "object" && cause !== null && "path" in cause;
  if (isFile) return { advice: "Name a file in PEM that this user may read" };
  return advice === undefined ? {} : { advice };
}

const LISTEN_FAILURES: Readonly<Record<string, readonly [state: string, advice: string]>> = {
  EADDRINUSE: ["another program has this port", "Choose another --port, or end the program that holds this one"],
  EADDRNOTAVAIL: ["this machine doesn't have this address", "Name an address of this machine with --host"],
  ENOTFOUND: ["no such host is known", "Correct --host: a name that this machine knows, or one of its addresses"],
  EAI_AGAIN: ["no such host is known for now", "Correct --host, or see that names are resolved on this machine"],
  EACCES: ["this user may not use this port", "Choose a --port from 1024 up, or give the program the right"],
};

/** True for an address that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
