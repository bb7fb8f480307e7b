import { expect, onTestFinished, test } from "vitest";
import type { KubernetesDeployments } from "../../../../src/executor/jobs/deployments/deployments.ts";
import { LABELS } from "../../../../src/executor/pods/labels.ts";
import { anchorName, pipelineObjectName } from "../../../../src/executor/pods/names.ts";
import type { RoleRule } from "../../../../src/executor/pods/rights/role.ts";
import { CONFIG_MAPS, CRON_JOBS, type CronJob, SECRETS } from "../../../../src/kubernetes/objects.ts";
import type { PipelineBody } from "../../../../src/protocol/messages.ts";
import { eventually } from "../../../fakes/eventually.ts";
import { ALL, becomes, openAt, pipeline, type Site } from "./deployments.contract.ts";

const LIMIT_MS = 60_000;

/** Deployments that are tended, as a runner does it that has a session. */
export interface Tended {
  readonly deployments: KubernetesDeployments;
  /** Pipelines of which something had to be made again, one entry for each time. */
  readonly mended: string[];
  deploy(body: PipelineBody): Promise<void>;
}

/** Tends what is deployed until the test ends. */
export async function tend(deployments: KubernetesDeployments): Promise<Tended> {
  const [bodies, mended, over] = [new Map<string, PipelineBody>(), [] as string[], new AbortController()];
  const again = async (pipelineId: string): Promise<boolean> => {
    const body = bodies.get(pipelineId);
    const isWritten = body !== undefined && (await deployments.put(body));
    if (isWritten) mended.push(pipelineId);
    return isWritten;
  };
  const tended = deployments.tend?.(again, over.signal);
  onTestFinished(async () => {
    over.abort();
    await tended;
  });
  return {
    deployments,
    mended,
    deploy: async (body) => {
      bodies.set(body.pipelineId, body);
      await deployments.put(body);
    },
  };
}

/** What tending is, in any cluster: in the fake one and in a real one. */
export function tendingContract(makeSite: (rules: readonly RoleRule[]) => Promise<Site>): void {
  const site = async (): Promise<Site> => {
    const made = await makeSite(ALL);
    await becomes(made, "cluster");
    return made;
  };

  const harms: Readonly<Record<string, (here: Site, name: string) => Promise<unknown>>> = {
    "its CronJob is deleted": ({ admin, namespace }, name) =>
      admin.remove(CRON_JOBS, namespace, name, { propagation: "Background" }),
    "its CronJob is suspended": ({ admin, namespace }, name) =>
      admin.patch(CRON_JOBS, namespace, name, { spec: { suspend: true } }),
    "its schedule is edited": ({ admin, namespace }, name) =>
      admin.patch(CRON_JOBS, namespace, name, { spec: { schedule: "1 1 1 1 *" } }),
    "its time zone is edited": ({ admin, namespace }, name) =>
      admin.patch(CRON_JOBS, namespace, name, { spec: { timeZone: "Asia/Tokyo" } }),
    "something else of it is edited": ({ admin, namespace }, name) =>
      admin.patch(CRON_JOBS, namespace, name, { spec: { concurrencyPolicy: "Allow" } }),
    ...Object.fromEntries(
      [LABELS.managedBy, LABELS.component, LABELS.runner, LABELS.pipelineId].flatMap((label) => [
        [`its label ${label} is removed`, setLabel(label, null)],
        [`its label ${label} is changed`, setLabel(label, "another")],
      ]),
    ),
    "the anchor is deleted with all that it owns": ({ admin, namespace }) =>
      admin.remove(CONFIG_MAPS, namespace, anchorName("runner-a"), { propagation: "Background" }),
    "the anchor is deleted and its objects are left": ({ admin, namespace }) =>
      admin.remove(CONFIG_MAPS, namespace, anchorName("runner-a"), { propagation: "Orphan" }),
  };

  /** Of the anchor too: it shall not be taken for somebody else's. */
  function setLabel(label: string, value: string | null) {
    return async ({ admin, namespace }: Site, name: string): Promise<void> => {
      const change = { metadata: { labels: { [label]: value } } };
      await admin.patch(CONFIG_MAPS, namespace, anchorName("runner-a"), change);
      await admin.patch(SECRETS, namespace, name, change);
      await admin.patch(CRON_JOBS, namespace, name, change);
    };
  }

  for (const [what, harm] of Object.entries(harms)) {
    test(`a deployed schedule is as it was again when ${what}`, { timeout: 2 * LIMIT_MS }, async () => {
      const here = await site();
      const { deployments, mended, deploy } = await tend(await openAt(here));
      const [body, other] = [pipeline(), pipeline({ schedule: { cron: "5 5 * * *", timeZone: "UTC" } })];
      const name = pipelineObjectName(body.pipelineId);
      await deploy(body);
      await deploy(other);
      const before = await stateOf(here, name);
      await eventually(async () => {
        await harm(here, name);
        expect(await stateOf(here, name)).not.toEqual(before);
      });
      await eventually(async () => expect(await stateOf(here, name)).toEqual(before), LIMIT_MS);
      await eventually(async () => expect(await deployments.list()).toHaveLength(2), LIMIT_MS);
      await eventually(() => expect(mended).toContain(body.pipelineId));
    });
  }

  test("a Secret that was deleted is there again for the run that the schedule starts", async () => {
    const here = await site();
    const { deployments, deploy } = await tend(await openAt(here));
    const body = pipeline();
    const name = pipelineObjectName(body.pipelineId);
    await deploy(body);
    await here.admin.remove(SECRETS, here.namespace, name, { propagation: "Background" });
    deployments.look(body.pipelineId);
    await eventually(async () => {
      expect((await here.admin.get(SECRETS, here.namespace, name)).data).toHaveProperty("config");
    }, LIMIT_MS);
  });

  test("the runner's own deployments and removals are no changes of somebody else", async () => {
    const here = await site();
    const { deployments, mended, deploy } = await tend(await openAt(here));
    const [body, last] = [pipeline(), pipeline()];
    await deploy(body);
    await deploy({ ...body, generation: 4, hash: "b".repeat(64), enabled: false });
    await deploy({ ...body, generation: 5, hash: "c".repeat(64) });
    await deployments.remove(body.pipelineId);
    // What the watch tells of the one is behind it when the other's change was seen.
    await deploy(last);
    await here.admin.patch(CRON_JOBS, here.namespace, pipelineObjectName(last.pipelineId), { spec: { suspend: true } });
    await eventually(() => expect(mended).toEqual([last.pipelineId]), LIMIT_MS);
    expect((await deployments.list()).map(({ pipelineId }) => pipelineId)).toEqual([last.pipelineId]);
  });
}

/** What of a deployed schedule must be as it was, its anchor's being there included. */
async function stateOf({ admin, namespace }: Site, name: string): Promise<unknown> {
  const anchor = await admin.get(CONFIG_MAPS, namespace, anchorName("runner-a")).catch(() => undefined);
  const cronJob = await admin.get(CRON_JOBS, namespace, name).catch(() => undefined);
  const secret = await admin.get(SECRETS, namespace, name).catch(() => undefined);
  const isOwned = [cronJob, secret].map((object) =>
    object?.metadata.ownerReferences?.some(({ uid }) => uid === anchor?.metadata.uid),
  );
  const labels = cronJob?.metadata.labels;
  return { spec: cronJob === undefined ? undefined : specOf(cronJob), labels, data: secret?.data, isOwned };
}

/** What the tests change; the rest holds what an API server fills in. */
function specOf({ spec: { schedule, timeZone, suspend, concurrencyPolicy } }: CronJob): unknown {
  return { schedule, timeZone, suspend, concurrencyPolicy };
}
