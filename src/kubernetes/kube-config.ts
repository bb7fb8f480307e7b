import type { Clock } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import { joinPath } from "../runtime/files.ts";
import { type ProxyAddress, readProxy } from "../runtime/proxy-address.ts";
import { isLoopback, proxyFor } from "../runtime/proxy-environment.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { ClusterCredentials } from "./credentials.ts";
import { KUBERNETES_ERRORS } from "./errors.ts";
import { podAccess, SERVICE_ACCOUNT_DIRECTORY } from "./in-cluster.ts";
import type { Field } from "./kubeconfig-field.ts";
import { type Kubeconfig, readKubeconfig } from "./kubeconfig-file.ts";
import { type KubeUser, readUser } from "./kubeconfig-user.ts";
import { pemSource } from "./pem-source.ts";

/** Where to look for the API server and credentials. */
export interface KubeConfigOptions {
  /** KUBECONFIG, KUBERNETES_SERVICE_HOST and _PORT, HTTPS_PROXY, HTTP_PROXY and NO_PROXY count; exec plugins get all of them. */
  readonly env: Readonly<Record<string, string>>;
  /** Home directory, for `.kube/config`; undefined where the user has none. */
  readonly home: string | undefined;
  /** A context of the kubeconfig in place of its current one. */
  readonly context?: string;
  /** Authorities, in PEM, that are trusted besides the runtime's own where the kubeconfig names none. */
  readonly caCertificates?: readonly string[];
  /** Where a pod finds its service account. */
  readonly serviceAccountDirectory?: string;
  readonly clock: Clock;
}

/**
 * Finds the API server and the credentials: the files in KUBECONFIG, else `.kube/config` in the home directory, else a pod's service
 * account. Files are read at once, so that a mistake is told now; plugins run at the first call.
 * @throws CodedError KubeconfigUnusable
 */
export async function loadKubeConfig(options: KubeConfigOptions): Promise<ClusterAccess> {
  const named = (options.env["KUBECONFIG"] ?? "").split(":").filter((path) => path !== "");
  const { home } = options;
  const paths = named.length > 0 || home === undefined ? named : [joinPath(home, ".kube", "config")];
  const config = await readKubeconfig(paths);
  if (config.files.length > 0) return chosenAccess(config, paths, options);
  const failed = (state: string): CodedError => new CodedError(KUBERNETES_ERRORS.KubeconfigUnusable, state);
  if (named.length > 0) throw failed(`Cannot use the kubeconfig ${named.join(", ")}: there is no such file`);
  if (options.context !== undefined) {
    throw failed(`Cannot use the context ${quote(options.context)}: there is no kubeconfig (${placesOf(paths)})`);
  }
  const pod = await podAccess(options, options.serviceAccountDirectory ?? SERVICE_ACCOUNT_DIRECTORY);
  if (pod !== undefined) return pod;
  throw failed(
    `Cannot find a Kubernetes cluster: KUBECONFIG is not set, there is no ${placesOf(paths)}, and no service account is mounted here`,
  );
}

function placesOf(paths: readonly string[]): string {
  return paths.join(", ") || "home directory";
}

/** What a context of a kubeconfig names. */
interface Chosen {
  readonly name: string;
  readonly context: Field;
  readonly cluster: Field;
  readonly user: KubeUser;
}

function choose(config: Kubeconfig, asked: string | undefined): Chosen {
  const name = asked ?? config.currentContext;
  const files = config.files.join(", ");
  const failed = (state: string): CodedError =>
    new CodedError(KUBERNETES_ERRORS.KubeconfigUnusable, `Cannot use the kubeconfig ${files}: ${state}`);
  if (name === undefined) throw failed(`no current-context is set, and no context was asked for`);
  const context = config.contexts.get(name);
  if (context === undefined) {
    const known = [...config.contexts.keys()].map(quote).join(", ") || "none";
    throw failed(`there is no context ${quote(name)}; contexts there: ${known}`);
  }
  const clusterName = context.required("cluster");
  const cluster = config.clusters.get(clusterName);
  if (cluster === undefined)
    throw context.child("cluster").unusable(`names the cluster ${quote(clusterName)}, which isn't there`);
  const userName = context.text("user");
  const userEntry = userName === undefined ? undefined : config.users.get(userName);
  if (userName !== undefined && userEntry === undefined) {
    throw context.child("user").unusable(`names the user ${quote(userName)}, which isn't there`);
  }
  const user = userEntry === undefined ? { what: "nobody", headers: {} } : readUser(userEntry);
  return { name, context, cluster, user };
}

/** The user of the context as it is written now; undefined when it can't be read, or is another server's. */
async function userNow(paths: readonly string[], name: string, server: string): Promise<KubeUser | undefined> {
  try {
    const { cluster, user } = choose(await readKubeconfig(paths), name);
    return serverOf(cluster) === server ? user : undefined;
  } catch {
    return undefined;
  }
}

async function chosenAccess(
  config: Kubeconfig,
  paths: readonly string[],
  options: KubeConfigOptions,
): Promise<ClusterAccess> {
  const { name, context, cluster, user } = choose(config, options.context);
  const server = serverOf(cluster);
  const proxy = proxyOf(cluster, server, options.env);
  const namespace = context.text("namespace");
  const insecure = cluster.flag("insecure-skip-tls-verify");
  const authority = pemSource(cluster, "certificate-authority");
  const serverName = cluster.text("tls-server-name");
  const credentials = new ClusterCredentials({
    server,
    insecure,
    user,
    readUserAgain: () => userNow(paths, name, server),
    env: options.env,
    clock: options.clock,
    ...(options.caCertificates === undefined ? {} : { caCertificates: options.caCertificates }),
    ...(authority === undefined ? {} : { authority }),
    ...(serverName === undefined ? {} : { serverName }),
  });
  await credentials.check();
  return {
    server,
    source: `context ${quote(name)} of ${context.file}`,
    inCluster: false,
    insecure,
    credentials,
    ...(namespace === undefined ? {} : { namespace }),
    ...(proxy === undefined ? {} : { proxy }),
  };
}

function serverOf(cluster: Field): string {
  const text = cluster.required("server");
  const url = URL.parse(text.includes("://") ? text : `https://${text}`);
  const field = cluster.child("server");
  if (url === null || !["https:", "http:"].includes(url.protocol)) throw field.unusable("must begin with https://");
  if (url.username !== "" || url.search !== "") throw field.unusable("must not hold a user or a query");
  if (url.protocol === "http:" && !isLoopback(url.hostname.replace(/^\[|\]$/g, ""))) {
    throw field.unusable("must begin with https://: http:// is for this machine only");
  }
  return url.href.replace(/\/+$/, "");
}

function proxyOf(cluster: Field, server: string, env: Readonly<Record<string, string>>): ProxyAddress | undefined {
  const own = cluster.text("proxy-url");
  const named = proxyFor(new URL(server), env);
  try {
    if (own !== undefined) return readProxy(own);
    return named === undefined ? undefined : readProxy(named.text);
  } catch (error) {
    const { message } = error as Error;
    if (own !== undefined) throw cluster.child("proxy-url").unusable(`must be ${message}`);
    throw new CodedError(
      KUBERNETES_ERRORS.KubeconfigUnusable,
      `Cannot use ${named?.variable} for the API server: it must be ${message}`,
      { advice: `Correct ${named?.variable}, or list the API server in NO_PROXY` },
    );
  }
}

function quote(text: string): string {
  return JSON.stringify(text);
}
