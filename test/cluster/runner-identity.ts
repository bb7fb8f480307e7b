import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { type Log, silentLog } from "../../src/base/log.ts";
import { type RoleRule, roleYaml } from "../../src/executor/pods/rights/role.ts";
import type { KubernetesApi } from "../../src/kubernetes/api.ts";
import { openKubernetesApi } from "../../src/kubernetes/client.ts";
import { loadKubeConfig } from "../../src/kubernetes/kube-config.ts";
import type { KubernetesObject, Resource } from "../../src/kubernetes/objects.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { apply, kubectl } from "./cluster-tool.ts";

const ACCOUNT = "hybrid-runner";

const ROLES: Resource<KubernetesObject> = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "Role",
  plural: "roles",
  namespaced: true,
};

/** The API as whoever the kubeconfig names sees it: an administrator in these tests. */
export async function administrator(): Promise<KubernetesApi> {
  return open({ ...process.env } as Record<string, string>, silentLog);
}

/** The API as a runner with exactly these rules sees it. */
export async function runnerWith(
  namespace: string,
  rules: readonly RoleRule[],
  log: Log = silentLog,
): Promise<KubernetesApi> {
  return open({ KUBECONFIG: await runnerKubeconfig(namespace, rules) }, log);
}

/** Path of a kubeconfig for a service account of the namespace with exactly these rules. */
export async function runnerKubeconfig(namespace: string, rules: readonly RoleRule[]): Promise<string> {
  await grant(namespace, rules);
  const token = (await kubectl("-n", namespace, "create", "token", ACCOUNT)).trim();
  const config = JSON.parse(await kubectl("config", "view", "--raw", "--minify", "-o", "json")) as {
    users: { name: string; user: unknown }[];
  };
  for (const user of config.users) user.user = { token };
  const path = join(await temporaryDirectory(), "kubeconfig");
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}

/** Gives the runner's service account these rules and no others; makes it when there is none. */
export async function grant(namespace: string, rules: readonly RoleRule[]): Promise<void> {
  await apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: ACCOUNT } }, namespace);
  await applyText(
    roleYaml({ name: ACCOUNT, namespace, rules, subject: { kind: "ServiceAccount", name: ACCOUNT, namespace } }),
  );
}

/** Replaces the rules of a Role that is there, in one request. */
export async function changeRules(admin: KubernetesApi, namespace: string, rules: readonly RoleRule[]): Promise<void> {
  await admin.patch(ROLES, namespace, ACCOUNT, { rules });
}

/** Feeds YAML to `kubectl apply`. */
export async function applyText(yaml: string): Promise<void> {
  const child = promisify(execFile)("kubectl", ["apply", "-f", "-"]);
  child.child.stdin?.end(yaml);
  await child;
}

async function open(env: Readonly<Record<string, string>>, log: Log): Promise<KubernetesApi> {
  const config = await loadKubeConfig({ env, home: homedir(), clock: systemClock });
  const api = openKubernetesApi({ config, clock: systemClock, log, userAgent: "hybrid-runner-test" });
  onTestFinished(() => api.close());
  return api;
}
