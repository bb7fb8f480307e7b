import { expect, test } from "vitest";
import { pipelineObjectName } from "../../src/executor/pods/names.ts";
import type { RoleRule } from "../../src/executor/pods/rights/role.ts";
import { CRON_JOBS, SECRETS } from "../../src/kubernetes/objects.ts";
import {
  deploymentsContract,
  names,
  openAt,
  pipeline,
  type Site,
} from "../executor/jobs/deployments/deployments.contract.ts";
import { tend, tendingContract } from "../executor/jobs/deployments/tending.contract.ts";
import { eventually } from "../fakes/eventually.ts";
import { apply, kubectl } from "./cluster-tool.ts";
import { temporaryNamespace } from "./namespace.ts";
import { administrator, grant, runnerWith } from "./runner-identity.ts";

deploymentsContract(site);
tendingContract(site);

test("a namespace that was made anew has its schedules again", { timeout: 300_000 }, async () => {
  const namespace = await temporaryNamespace("made-anew");
  const admin = await administrator();
  const here: Site = { namespace, admin, api: admin, grant: async () => undefined, fire: async () => "" };
  const { deploy, mended } = await tend(await openAt(here));
  const body = pipeline();
  await deploy(body);
  await kubectl("delete", "namespace", namespace, "--wait=true");
  await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  await eventually(async () => {
    expect([await names(here, CRON_JOBS), await names(here, SECRETS)]).toEqual([
      [pipelineObjectName(body.pipelineId)],
      [pipelineObjectName(body.pipelineId)],
    ]);
  }, 200_000);
  expect(mended).toContain(body.pipelineId);
});

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
