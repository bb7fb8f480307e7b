import { deploymentsContract } from "../executor/kubernetes/deployments/deployments.contract.ts";
import { kubectl } from "./cluster-tool.ts";
import { temporaryNamespace } from "./namespace.ts";
import { administrator, grant, runnerWith } from "./runner-identity.ts";

deploymentsContract(async (rules) => {
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
});
