import { clip } from "../base/clip.ts";
import { type Clock, withLimit } from "../base/clock.ts";
import { CodedError, describeError, errorCode } from "../base/errors.ts";
import { type Child, startChild } from "../runtime/child.ts";
import { KUBERNETES_ERRORS } from "./errors.ts";
import type { CredentialPlugin } from "./kubeconfig-user.ts";

/** What a plugin gave. */
export interface PluginCredential {
  readonly token?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** Epoch milliseconds; without it, it is good until the server refuses it. */
  readonly expiresAt?: number;
}

/** What the plugin is told of the cluster, when it wants to know. */
export interface PluginCluster {
  readonly server: string;
  readonly caCertificate?: string;
  readonly serverName?: string;
  readonly insecure: boolean;
}

const LIMIT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1_048_576;
const MAX_ERROR_BYTES = 4096;

/**
 * Runs a credential plugin. What it writes to standard error ends up, shortened and without long words, in the message: that is
 * where such programs say that somebody has to log in.
 * @throws CodedError ApiUnauthorized when it fails, gives nothing usable or isn't done in a minute; KubeconfigUnusable when it can't be started
 */
export async function runPlugin(
  plugin: CredentialPlugin,
  cluster: PluginCluster,
  env: Readonly<Record<string, string>>,
  clock: Clock,
): Promise<PluginCredential> {
  const out = new Collected(MAX_OUTPUT_BYTES);
  const errors = new Collected(MAX_ERROR_BYTES);
  const child = await start(plugin, cluster, env, clock, out, errors);
  let exit: Awaited<Child["exited"]>;
  try {
    exit = await withLimit(clock, LIMIT_MS, child.exited, () => failed(plugin, `it was not done after ${LIMIT_MS} ms`));
  } finally {
    child.signalGroup("SIGKILL");
  }
  if (exit.exitCode !== 0) {
    const end = exit.exitCode === null ? `it was ended by ${exit.signal}` : `it ended with exit code ${exit.exitCode}`;
    const said = lastWords(errors.text());
    throw failed(plugin, said === "" ? end : `${end} (${said})`);
  }
  return readCredential(plugin, out.text());
}

async function start(
  plugin: CredentialPlugin,
  cluster: PluginCluster,
  env: Readonly<Record<string, string>>,
  clock: Clock,
  out: Collected,
  errors: Collected,
): Promise<Child> {
  try {
    return await startChild({
      command: plugin.command,
      args: plugin.args,
      env: { ...env, ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(execInfo(plugin, cluster)) },
      cwd: plugin.directory,
      clock,
      ownGroup: true,
      stdin: "ignore",
      onStdout: (bytes) => out.add(bytes),
      onStderr: (bytes) => errors.add(bytes),
    });
  } catch (cause) {
    throw new CodedError(
      KUBERNETES_ERRORS.KubeconfigUnusable,
      `Cannot ask the credential plugin ${plugin.command}: ${describeError(cause)}`,
      { advice: plugin.installHint ?? "Install the program that the kubeconfig names, and see that PATH leads to it" },
    );
  }
}

function execInfo(plugin: CredentialPlugin, cluster: PluginCluster): unknown {
  const known = {
    server: cluster.server,
    ...(cluster.caCertificate === undefined ? {} : { "certificate-authority-data": btoa(cluster.caCertificate) }),
    ...(cluster.serverName === undefined ? {} : { "tls-server-name": cluster.serverName }),
    ...(cluster.insecure ? { "insecure-skip-tls-verify": true } : {}),
  };
  const spec = plugin.provideClusterInfo ? { interactive: false, cluster: known } : { interactive: false };
  return { apiVersion: plugin.apiVersion, kind: "ExecCredential", spec };
}

function readCredential(plugin: CredentialPlugin, text: string): PluginCredential {
  const answer = parseObject(plugin, text);
  if (answer["apiVersion"] !== plugin.apiVersion) throw failed(plugin, `its answer isn't of ${plugin.apiVersion}`);
  const status = answer["status"];
  if (!isObject(status)) throw failed(plugin, "its answer has no status");
  const token = filled(status["token"]);
  const certificate = filled(status["clientCertificateData"]);
  const key = filled(status["clientKeyData"]);
  if (token === undefined && certificate === undefined) {
    throw failed(plugin, "its answer holds neither a token nor a certificate");
  }
  if ((certificate === undefined) !== (key === undefined)) {
    throw failed(plugin, "its answer holds a certificate or a key without the other");
  }
  const expires = filled(status["expirationTimestamp"]);
  const expiresAt = expires === undefined ? undefined : Date.parse(expires);
  if (Number.isNaN(expiresAt)) throw failed(plugin, "its answer has an expirationTimestamp that is no time");
  return {
    ...(token === undefined ? {} : { token }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(key === undefined ? {} : { key }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

/** The parser's message is dropped: it quotes the text, and that holds a token. */
function parseObject(plugin: CredentialPlugin, text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (error) {
    if (errorCode(error) !== undefined) throw error;
  }
  throw failed(plugin, "its answer is no JSON object");
}

function failed(plugin: CredentialPlugin, state: string): CodedError {
  return new CodedError(
    KUBERNETES_ERRORS.ApiUnauthorized,
    `Cannot get credentials from the plugin ${plugin.command}: ${state}`,
    { advice: "Run the plugin by hand as the user of this program; you may have to log in anew" },
  );
}

function lastWords(text: string): string {
  const line = text.trim().split("\n").at(-1) ?? "";
  return clip(line.replace(/[A-Za-z0-9+/=_.-]{40,}/g, "…"), 300);
}

function filled(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Keeps the last bytes of an output. */
class Collected {
  #bytes = new Uint8Array(0);
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#bytes.length + bytes.length);
    joined.set(this.#bytes);
    joined.set(bytes, this.#bytes.length);
    this.#bytes = joined.subarray(Math.max(0, joined.length - this.#limit));
  }

  text(): string {
    return new TextDecoder().decode(this.#bytes);
  }
}
