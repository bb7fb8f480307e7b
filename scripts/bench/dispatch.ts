import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { type Measurement, repetitions } from "./figure.ts";
import { Site } from "./site.ts";

const WARM_UP_RUNS = 5;
const PROBE = join(import.meta.dirname, "dispatch-probe.ts");

/** From the arrival of `run.start` at the runner to the call that gives the run to its supervisor; the intent is on the disk by then. */
export const dispatch: Measurement = {
  name: "dispatch",
  async measure(bench) {
    const directory = join(bench.directory, "dispatch");
    const site = await Site.open(bench.executable, directory);
    try {
      const env = { ...(await site.runnerEnvironment(["/bin/true"])), BENCH_EXECUTABLE: bench.executable };
      const runner = site.startRunnerAs([process.execPath, "--disable-warning=ExperimentalWarning", PROBE], env);
      await runner.ready();
      const pipelineId = await site.deploy();
      const samples: number[] = [];
      const baseline: number[] = [];
      const count = repetitions(200, bench.scale, 20) + WARM_UP_RUNS;
      for (let turn = 0; turn < count; turn++) {
        const since = performance.now();
        const runId = await site.order(pipelineId);
        const taken = await runner.number("dispatch", since);
        await site.success(runId);
        const synced = await syncedFiles(join(directory, `baseline-${turn}`));
        if (turn < WARM_UP_RUNS) continue;
        samples.push(taken);
        baseline.push(synced);
      }
      const shared = {
        unit: "ms",
        samples,
        baseline: { name: "two files made and synced", samples: baseline },
      } as const;
      return [
        { ...shared, name: "dispatch p50: run.start to supervisor", quantile: 0.5, target: { atMost: 5 } },
        { ...shared, name: "dispatch p99: run.start to supervisor", quantile: 0.99, target: { atMost: 25 } },
      ];
    } finally {
      await site.close();
    }
  },
};

/** What no dispatch can be faster than: a directory, the intent and the reserve in it, each synced, and the directory synced. */
async function syncedFiles(directory: string): Promise<number> {
  const since = performance.now();
  await mkdir(directory);
  for (const [name, bytes] of [
    ["intent", 2048],
    ["reserve", 65_536],
  ] as const) {
    const file = await open(join(directory, name), "w");
    await file.write(new Uint8Array(bytes));
    await file.sync();
    await file.close();
  }
  const handle = await open(directory, "r");
  await handle.sync();
  await handle.close();
  return performance.now() - since;
}
