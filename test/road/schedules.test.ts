import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { type RunView, Site } from "./site.ts";

/** Cron fires on whole minutes, so a fire takes up to this long. */
const FIRE_MS = 75_000;

interface ScheduledRun extends RunView {
  readonly pipelineId: string;
  readonly startedAt?: string;
  readonly createdAt: string;
}

async function deployScheduled(site: Site, cron: string): Promise<string> {
  const service = await site.api<{ serviceId: string }>("POST", "/services", {
    name: `s-${crypto.randomUUID().slice(0, 8)}`,
    serviceType: "Sqlite",
    connection: { config: "none" },
    runnerId: "test-runner",
  });
  const { pipelineId } = await site.api<{ pipelineId: string }>("POST", "/pipelines", {
    name: `p-${crypto.randomUUID().slice(0, 8)}`,
    serviceId: service.serviceId,
    pipelineType: "metadata",
    sourceConfig: {},
    schedule: { cron, timeZone: "Europe/Berlin" },
  });
  await site.api("POST", `/pipelines/${pipelineId}/deploy`);
  return pipelineId;
}

async function openSite(): Promise<Site> {
  const site = await Site.open();
  await site.script("metadata", 'echo "$pipelineRunId $(date +%s)" >> "$OUT/started"\necho scheduled\n');
  return site;
}

const recordFile = (site: Site, pipelineId: string): string =>
  join(site.runnerData(), "schedules", `${pipelineId}.json`);

async function recorded(site: Site, pipelineId: string): Promise<void> {
  await eventually(async () =>
    expect(await readdir(join(site.runnerData(), "schedules"))).toContain(`${pipelineId}.json`),
  );
}

/** The runner believes that it had looked at this schedule last at that moment. */
async function setConsidered(site: Site, pipelineId: string, considered: number): Promise<void> {
  const record = JSON.parse(await readFile(recordFile(site, pipelineId), "utf8")) as object;
  await writeFile(recordFile(site, pipelineId), JSON.stringify({ ...record, considered }));
}

async function runsOf(site: Site, pipelineId: string): Promise<readonly ScheduledRun[]> {
  return (await site.api<{ runs: ScheduledRun[] }>("GET", `/runs?pipelineId=${pipelineId}`)).runs;
}

test("a schedule fires while the gateway is away, and its run comes with its id, true times and whole log", async () => {
  const site = await openSite();
  await site.startRunner();
  await site.connected();
  const pipelineId = await deployScheduled(site, "* * * * *");
  await recorded(site, pipelineId);
  await site.killGateway();
  await eventually(async () => expect(await site.lines("started")).toHaveLength(1), FIRE_MS);
  const [runId = "", seconds = ""] = (await site.lines("started"))[0]?.split(" ") ?? [];
  expect(Number(seconds) % 60).toBeLessThan(30);
  const endedBefore = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await site.startGateway();
  const run = await eventually(async () => {
    const found = (await runsOf(site, pipelineId)).find((one) => one.runId === runId);
    if (found?.state !== "success") throw new Error(`the run is ${found?.state}`);
    return found;
  });
  const startedAt = Date.parse(run.startedAt ?? "");
  expect(startedAt).toBeLessThanOrEqual(endedBefore);
  expect(run.createdAt).toBe(run.startedAt);
  expect(Math.abs(startedAt - Number(seconds) * 1000)).toBeLessThan(30_000);
  expect(await site.wholeLog(runId)).toBe("scheduled\n");
  await site.api("DELETE", `/pipelines/${pipelineId}`);
  await eventually(async () => expect(await readdir(join(site.runnerData(), "schedules"))).toEqual([]));
});

test("a runner that was killed and away over several fires makes one run at its start, and none when switched off", async () => {
  const site = await openSite();
  const runner = await site.startRunner();
  await site.connected();
  const [on, off] = [await deployScheduled(site, "0 * * * *"), await deployScheduled(site, "0 * * * *")];
  await recorded(site, on);
  await recorded(site, off);
  const away = Date.now() - 5 * 3_600_000;
  await runner.end();
  await setConsidered(site, on, away);
  await setConsidered(site, off, away);
  const before = await site.startRunner();
  await eventually(async () => expect((await site.lines("started")).length).toBeGreaterThanOrEqual(2), 30_000);
  await site.connected();
  await site.api("POST", `/pipelines/${off}/toggle`, { enabled: false });
  await eventually(async () => expect(await readdir(join(site.runnerData(), "schedules"))).toEqual([`${on}.json`]));
  await before.end();
  await site.startRunner();
  await site.connected();
  for (const pipelineId of [on, off]) {
    const runs = await eventually(async () => {
      const found = await runsOf(site, pipelineId);
      expect(found.map((run) => run.state)).toEqual(["success"]);
      return found;
    });
    expect(runs).toHaveLength(1);
  }
  expect(await site.lines("started")).toHaveLength(2);
});

test("a manual run of a pipeline with a live run waits at the gateway and runs when that has ended", async () => {
  const site = await openSite();
  await site.script("metadata", 'echo begin >> "$OUT/order"\nsleep 1\necho end >> "$OUT/order"\n');
  await site.startRunner();
  await site.connected();
  const pipelineId = await site.deploy("metadata");
  const runs = [await site.start(pipelineId), await site.start(pipelineId), await site.start(pipelineId)];
  for (const runId of runs) expect((await site.ended(runId, 60_000)).state).toBe("success");
  expect(await site.lines("order")).toEqual(["begin", "end", "begin", "end", "begin", "end"]);
});

test("the API takes aliases and refuses a schedule that no runner could use, with the field's name", async () => {
  const site = await openSite();
  await expect(deployScheduled(site, "@daily")).resolves.toMatch(/^[0-9a-f-]{36}$/);
  await expect(deployScheduled(site, "0 25 * * *")).rejects.toThrow(/400 .*field 2 \(hour\)/);
});
