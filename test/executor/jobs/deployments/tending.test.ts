import { expect, test } from "vitest";
import { type Clock, systemClock } from "../../../../src/base/clock.ts";
import { CodedError, defineErrors } from "../../../../src/base/errors.ts";
import { silentLog } from "../../../../src/base/log.ts";
import { Mending } from "../../../../src/executor/jobs/deployments/mending.ts";
import { pipelineObjectName } from "../../../../src/executor/pods/names.ts";
import { type RightId, rightIds } from "../../../../src/executor/pods/rights/right-table.ts";
import { rulesFor } from "../../../../src/executor/pods/rights/role.ts";
import { CONFIG_MAPS, CRON_JOBS, SECRETS } from "../../../../src/kubernetes/objects.ts";
import { FakeClock } from "../../../fakes/clock.ts";
import { eventually } from "../../../fakes/eventually.ts";
import { PIPELINE } from "../manifests/samples.ts";
import { ALL, openAt, pipeline } from "./deployments.contract.ts";
import { fakeSite } from "./fake-site.ts";
import { tend, tendingContract } from "./tending.contract.ts";

tendingContract(fakeSite);

/** Waits pass a hundred times faster. */
const HURRIED: Clock = {
  ...systemClock,
  schedule: (delayMs, task, options) => systemClock.schedule(delayMs / 100, task, options),
};

function without(...absent: readonly RightId[]): ReturnType<typeof rulesFor> {
  return rulesFor(rightIds().filter((id) => !absent.includes(id)));
}

test("a Secret that was deleted is there again before a run needs it, though the runner may not read Secrets", async () => {
  const here = await fakeSite(ALL);
  const { mended, deploy } = await tend(await openAt(here, "runner-a", "runner:1", HURRIED));
  const bodies = [pipeline(), pipeline(), pipeline()];
  for (const body of bodies) await deploy(body);
  for (const { pipelineId } of bodies)
    await here.admin.remove(SECRETS, here.namespace, pipelineObjectName(pipelineId), { propagation: "Background" });
  await eventually(async () => expect((await here.admin.list(SECRETS, here.namespace)).items).toHaveLength(3));
  expect(new Set(mended)).toEqual(new Set(bodies.map(({ pipelineId }) => pipelineId)));
  // The test lists them, and nobody does anything else.
  const reads = here.cluster.requests.all.filter(
    ({ resource, verb }) => resource === "secrets" && ["get", "watch"].includes(verb),
  );
  expect(reads).toEqual([]);
});

test("without the right to watch CronJobs what became of them is seen by listing them", async () => {
  const here = await fakeSite(without("cronjobs:watch"));
  const { mended, deploy, deployments } = await tend(await openAt(here, "runner-a", "runner:1", HURRIED));
  const bodies = [pipeline(), pipeline(), pipeline()];
  const [gone, edited] = bodies.map(({ pipelineId }) => pipelineObjectName(pipelineId));
  for (const body of bodies) await deploy(body);
  await here.admin.remove(CRON_JOBS, here.namespace, gone ?? "", { propagation: "Background" });
  await here.admin.patch(CRON_JOBS, here.namespace, edited ?? "", { spec: { schedule: "1 1 1 1 *" } });
  await eventually(() => expect(mended).toHaveLength(2));
  expect(await deployments.list()).toHaveLength(3);
  expect((await here.admin.get(CRON_JOBS, here.namespace, edited ?? "")).spec.schedule).toBe("30 2 * * 0");
});

test("where the runner fires, what is kept of pipelines is made again too", async () => {
  const here = await fakeSite(without("cronjobs:create", "cronjobs:watch"));
  const { mended, deploy, deployments } = await tend(await openAt(here, "runner-a", "runner:1", HURRIED));
  const bodies = [pipeline(), pipeline(), pipeline()];
  const [gone, edited] = bodies.map(({ pipelineId }) => pipelineObjectName(pipelineId));
  for (const body of bodies) await deploy(body);
  await here.admin.remove(CONFIG_MAPS, here.namespace, gone ?? "", { propagation: "Background" });
  await here.admin.patch(CONFIG_MAPS, here.namespace, edited ?? "", { data: { cron: "1 1 1 1 *" } });
  await eventually(() => expect(mended).toHaveLength(2));
  expect((await deployments.list()).map(({ schedule }) => schedule?.cron)).toEqual(
    Array(3).fill(PIPELINE.schedule?.cron),
  );
});

test("whoever keeps changing a pipeline's objects is not fought: mending grows rare, and is told", async () => {
  const clock = new FakeClock();
  const times: number[] = [];
  const over = new AbortController();
  const mending = new Mending({
    again: async (pipelineId) => {
      times.push(clock.monotonic());
      // And changed again at once, by somebody else.
      mending.look(pipelineId);
      return true;
    },
    clock,
    log: silentLog,
    signal: over.signal,
  });
  mending.look("p");
  mending.look("p");
  await clock.advance(1);
  expect(times).toEqual([0]);
  expect(mending.message()).toBeUndefined();
  await clock.advance(3_600_000);
  expect(times.length).toBeLessThan(40);
  const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1000);
  expect(mending.message()).toContain("p (something else keeps changing it)");
  over.abort();
  expect(clock.waiting).toBe(0);
});

test.each([true, false])(
  "what can't be made again is tried until it can, and told until then (retryable: %s)",
  async (retryable) => {
    const clock = new FakeClock();
    const { TestFailure } = defineErrors({ TestFailure: { retryable, advice: "Wait" } });
    let failure: CodedError | undefined = new CodedError(
      TestFailure,
      "Cannot create CronJob p: the namespace is terminating",
    );
    let tries = 0;
    const again = async (): Promise<boolean> => {
      tries++;
      if (failure !== undefined) throw failure;
      return true;
    };
    const mending = new Mending({ again, clock, log: silentLog, signal: new AbortController().signal });
    mending.look("p");
    await clock.advance(60_000);
    expect(tries).toBeGreaterThan(3);
    expect(mending.message()).toContain("the namespace is terminating");
    failure = undefined;
    await clock.advance(300_000);
    expect(mending.message() ?? "").not.toContain("the namespace is terminating");
  },
);
