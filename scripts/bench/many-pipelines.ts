import { randomUUID } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { openGatewayData } from "../../src/gateway/data-directory.ts";
import { pipelineBody, pipelineHash } from "../../src/gateway/sessions/workflow-config.ts";
import type { PipelineRecord, RunRecord, ServiceRecord } from "../../src/gateway/store/store.ts";
import { type Measurement, repetitions } from "./figure.ts";
import { inParallel, memoryOf } from "./processes.ts";
import { RUNNER_ID, Site } from "./site.ts";

const COUNT = 10_000;
const REST_MS = 3000;

/** A runner and a gateway that both have ten thousand deployed pipelines. */
export const manyPipelines: Measurement = {
  name: "many-pipelines",
  async measure(bench) {
    const directory = join(bench.directory, "many-pipelines");
    const count = Math.round(COUNT / bench.scale);
    const site = await Site.open(bench.executable, directory, async (made) => void (await fill(made, count)));
    try {
      const [starts, greetings, memory]: [number[], number[], number[]] = [[], [], []];
      for (let turn = repetitions(5, bench.scale, 2); turn > 0; turn--) {
        const runner = await site.startRunner(["/bin/true"]);
        starts.push(((await runner.ready()) - runner.startedAt) / 1000);
        const fetched = await runner.number("fetched", 0);
        if (fetched > 0) throw new Error(`Cannot measure: both sides should be equal, but ${fetched} were fetched`);
        await site.killGateway();
        const killed = performance.now();
        await site.startGateway();
        const ready = await runner.ready(killed);
        greetings.push((ready - (await runner.greeting(killed))) / 1000);
        await sleep(REST_MS);
        memory.push((await memoryOf(runner.pid)).resident);
        await runner.end();
      }
      const what = `${count} pipelines`;
      return [
        { name: `${what}: greeting to in step`, unit: "s", samples: greetings, target: { atMost: 2 } },
        { name: `${what}: runner idle: RSS`, unit: "MB", samples: memory, target: { atMost: 120 } },
        { name: `${what}: exec to in step`, unit: "s", samples: starts },
      ];
    } finally {
      await site.close();
      await rm(directory, { recursive: true, force: true });
    }
  },
};

/** Puts the same pipelines into the gateway's store and into the runner's files; when asked for, each with a run that waits. Answers their ids. */
export async function fill(site: Site, count: number, withRuns = false): Promise<readonly string[]> {
  const pipelineIds: string[] = [];
  const files = join(site.runnerData, "pipelines");
  await mkdir(files, { recursive: true, mode: 0o700 });
  const place = { dataDirectory: site.gatewayData, storeKeyFile: join(site.gatewayData, "store.key") };
  const { store } = await openGatewayData(place, { clock: systemClock, log: silentLog });
  try {
    const now = Date.now();
    const service: ServiceRecord = {
      serviceId: randomUUID(),
      name: "db",
      serviceType: "Postgres",
      connection: { config: { type: "Postgres", hostPort: "db:5432", password: "secret:/db/password" } },
      runnerId: RUNNER_ID,
      createdAt: now,
    };
    await store.addService(service);
    await inParallel(count, 8, async (index) => {
      const pipeline = record(service, index, now);
      // The gateway makes the body again at its start, and one that differs would be a new generation.
      const hash = pipelineHash(await pipelineBody({ botToken: async () => undefined }, pipeline, service));
      await store.addPipeline({ ...pipeline, hash }, undefined);
      const body = await pipelineBody(store, { ...pipeline, hash }, service);
      await writeFile(join(files, `${pipeline.pipelineId}.json`), JSON.stringify(body), { mode: 0o600 });
      if (withRuns) await store.addRun(waitingRun(pipeline.pipelineId, now));
      pipelineIds.push(pipeline.pipelineId);
    });
  } finally {
    await store.close();
  }
  return pipelineIds;
}

function waitingRun(pipelineId: string, now: number): RunRecord {
  return {
    runId: randomUUID(),
    pipelineId,
    runnerId: RUNNER_ID,
    attempt: 1,
    state: "queued",
    dispatch: "waiting",
    stopRequested: false,
    createdAt: now,
    startDeadline: now + 3_600_000,
    logBytes: 0,
    logGaps: [],
  };
}

/** A pipeline with a configuration of the usual size, about one kilobyte. */
function record(service: ServiceRecord, index: number, now: number): PipelineRecord {
  const patterns = Array.from({ length: 12 }, (_, table) => `^schema_${index}\\.table_with_a_long_name_${table}$`);
  return {
    pipelineId: randomUUID(),
    serviceId: service.serviceId,
    runnerId: RUNNER_ID,
    name: `pipeline-${index}`,
    fullyQualifiedName: `db.pipeline-${index}`,
    pipelineType: "metadata",
    sourceConfig: { type: "DatabaseMetadata", tableFilterPattern: { includes: patterns } },
    enabled: true,
    deployed: true,
    generation: 1,
    hash: "",
    createdAt: now,
    updatedAt: now,
  };
}
