import { onTestFinished } from "vitest";
import { apply, kubectl } from "./cluster-tool.ts";

/** A namespace for one test, removed after it. `labels` may ask for Pod Security. */
export async function temporaryNamespace(
  topic: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<string> {
  const name = `t-${topic}-${crypto.randomUUID().slice(0, 8)}`;
  await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
  onTestFinished(async () => {
    await kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found");
  });
  return name;
}

/** Lets pods of a service account read the Secrets of their namespace, as the documented chart does. */
export async function letPodsReadSecrets(namespace: string, serviceAccount = "default"): Promise<void> {
  const metadata = { name: "ingestion" };
  const rules = [{ apiGroups: [""], resources: ["secrets"], verbs: ["get", "list", "watch"] }];
  await apply({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata, rules }, namespace);
  await apply(
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "ingestion" },
      subjects: [{ kind: "ServiceAccount", name: serviceAccount, namespace }],
    },
    namespace,
  );
}
