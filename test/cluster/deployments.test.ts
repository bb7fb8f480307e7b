import type { RoleRule } from "../../src/executor/kubernetes/rights/role.ts";
import { deploymentsContract, type Site } from "../executor/kubernetes/deployments/deployments.contract.ts";
import { tendingContract } from "../executor/kubernetes/deployments/tending.contract.ts";
import { kubectl } from "./cluster-tool.ts";
import { temporaryNamespace } from "./namespace.ts";
import { administrator, grant, runnerWith } from "./runner-identity.ts";

deploymentsContract(site);
tendingContract(site);

async function site(rules: readonly RoleRule[]): Promise<Site> {
  const namespace = await temporaryNamespace("deployments");
  return {
    namespace,
    admin: await administrator(),
    api: await runnerWith(namespace, rules),
    grant: (others) => grant(namespace, others),
    fire: async (cronJob) => {
      const name = `fired-${crypto.randomUUID().slice(0, 8)}`;
      await kubectl("-n", namespace, "create", "job", name, `--from=cronjob/${cronJob}`);
      return name;
    },
  };
}
