import { mkdir, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { testAuthority } from "../runtime/certificates.ts";

/** What the server says in place of a Secret. */
export interface Refusal {
  readonly status: number;
  /** The whole body; a Status by default. */
  readonly body?: string;
}

/** The Secrets of one namespace behind HTTPS, as an API server gives them to a pod's service account. */
export interface KubernetesStore {
  /** Base64 by key, by the Secret's name. */
  readonly secrets: Map<string, Record<string, string>>;
  /** By the Secret's name. */
  readonly labels: Map<string, Record<string, string>>;
  /** By the Secret's name; `*` for all. */
  readonly refusals: Map<string, Refusal>;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** Milliseconds that every answer takes. */
  delayMs: number;
  /** What the pod's variables and its service account's folder hold. */
  readonly environment: Readonly<Record<string, string>>;
  readonly serviceAccountDirectory: string;
  close(): Promise<void>;
}

export const NAMESPACE = "ingestion";
const TOKEN = "service-account-token-n0t-to-be-seen";

/** Starts it, or answers undefined on a machine without openssl. */
export async function startKubernetesStore(): Promise<KubernetesStore | undefined> {
  const authority = await testAuthority();
  if (authority === undefined) return undefined;
  const directory = join(await temporaryDirectory(), "serviceaccount");
  await mkdir(directory);
  const files = { token: TOKEN, "ca.crt": authority.certificate, namespace: NAMESPACE };
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  const store = {
    secrets: new Map<string, Record<string, string>>(),
    labels: new Map<string, Record<string, string>>(),
    refusals: new Map<string, Refusal>(),
    asked: [] as string[],
    delayMs: 0,
  };
  const server: Server = createServer(authority.issue("IP:127.0.0.1", 1), (request, response) => {
    store.asked.push(request.url ?? "");
    setTimeout(() => answer(store, request, response), store.delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(store, {
    serviceAccountDirectory: directory,
    environment: { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(port) },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

function answer(
  { secrets, labels, refusals }: Pick<KubernetesStore, "secrets" | "labels" | "refusals">,
  { url = "", headers }: IncomingMessage,
  response: ServerResponse,
): void {
  const send = (status: number, body: string): void => {
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  };
  const name = new RegExp(`^/api/v1/namespaces/${NAMESPACE}/secrets/([^/?]+)$`).exec(url)?.[1] ?? "";
  const refusal = refusals.get("*") ?? refusals.get(name);
  if (headers.authorization !== `Bearer ${TOKEN}`) send(401, status(401));
  else if (refusal !== undefined) send(refusal.status, refusal.body ?? status(refusal.status));
  else if (!secrets.has(name)) send(404, status(404));
  else
    send(
      200,
      JSON.stringify({
        kind: "Secret",
        apiVersion: "v1",
        metadata: { name, labels: labels.get(name) },
        data: secrets.get(name),
      }),
    );
}

const REASONS: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
};

function status(code: number): string {
  return JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", code, reason: REASONS[code] });
}
