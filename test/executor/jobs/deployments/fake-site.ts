import { onTestFinished } from "vitest";
import type { RoleRule } from "../../../../src/executor/pods/rights/role.ts";
import { openFakeClient } from "../../../fakes/kubernetes/fake-client.ts";
import { type FakeCluster, startFakeCluster } from "../../../fakes/kubernetes/fake-cluster.ts";
import type { Right } from "../../../fakes/kubernetes/rights.ts";
import type { Site } from "./deployments.contract.ts";

const NAMESPACE = "ingestion";

/** A runner with these rights in a fake cluster whose pods do nothing. */
export async function fakeSite(rules: readonly RoleRule[]): Promise<Site & { readonly cluster: FakeCluster }> {
  const cluster = await startFakeCluster({ without: ["node"] });
  onTestFinished(() => cluster.close());
  const token = `runner-${crypto.randomUUID()}`;
  cluster.allow(rightsOf(rules), token);
  return {
    cluster,
    namespace: NAMESPACE,
    admin: await openFakeClient(cluster),
    api: await openFakeClient({ ...cluster, kubeconfig: cluster.kubeconfig.replaceAll(cluster.token, token) }),
    grant: async (others) => cluster.allow(rightsOf(others), token),
    fire: async (cronJob) => {
      const name = cluster.fireCronJob(cronJob, NAMESPACE);
      if (name === undefined) throw new Error(`${cronJob} doesn't fire`);
      return name;
    },
  };
}

function rightsOf(rules: readonly RoleRule[]): readonly Right[] {
  const granted = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.map((resource) => ({ verb: verbs, group, resource, namespace: NAMESPACE }))),
  );
  return [...granted, { verb: "create", resource: "selfsubjectaccessreviews" }];
}
