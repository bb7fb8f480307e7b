import { CodedError } from "../base/errors.ts";
import { joinPath, readTextIfExists } from "../runtime/files.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { ClusterCredentials } from "./credentials.ts";
import { KUBERNETES_ERRORS } from "./errors.ts";
import type { KubeConfigOptions } from "./kube-config.ts";

/** Where the kubelet mounts a pod's service account (https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/). */
export const SERVICE_ACCOUNT_DIRECTORY: string = "/var/run/secrets/kubernetes.io/serviceaccount";

const SOURCE = "the pod's service account";

/**
 * The cluster this pod runs in; undefined outside of one. It is never reached through a proxy of the environment: the address is the
 * cluster's own, and a proxy in front of it has been a source of trouble for every neighbour of this program.
 * @throws CodedError KubeconfigUnusable when only part of what a pod needs is there
 */
export async function podAccess(options: KubeConfigOptions, directory: string): Promise<ClusterAccess | undefined> {
  const host = options.env["KUBERNETES_SERVICE_HOST"];
  const port = options.env["KUBERNETES_SERVICE_PORT"];
  if (host === undefined || host === "" || port === undefined || port === "") return undefined;
  const tokenFile = joinPath(directory, "token");
  if ((await readTextIfExists(tokenFile)) === undefined) {
    throw new CodedError(KUBERNETES_ERRORS.KubeconfigUnusable, `Cannot use ${SOURCE}: there is no ${tokenFile}`, {
      advice: "Set automountServiceAccountToken to true for the runner's pod, or give it a kubeconfig by KUBECONFIG",
    });
  }
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const credentials = new ClusterCredentials({
    server,
    insecure: false,
    user: { what: SOURCE, tokenFile, headers: {} },
    authority: { file: joinPath(directory, "ca.crt"), what: SOURCE },
    env: options.env,
    clock: options.clock,
  });
  await credentials.check();
  const namespace = (await readTextIfExists(joinPath(directory, "namespace")))?.trim() ?? "";
  return {
    server,
    source: SOURCE,
    inCluster: true,
    insecure: false,
    credentials,
    ...(namespace === "" ? {} : { namespace }),
  };
}
