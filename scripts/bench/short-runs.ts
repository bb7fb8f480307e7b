import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Measurement, repetitions } from "./figure.ts";
import { inParallel, memoryOf, timeToExit, until } from "./processes.ts";
import { assertGood, type RunView, Site } from "./site.ts";

const WIDTH = 8;
/** Ordered and not yet ended: enough that the runner never waits for us. */
const AHEAD = 3 * WIDTH;
const LOOK_EVERY_MS = 50;
/** Before this many runs the runner is still getting warm. */
const WARM_PART = 0.2;

/** Many short runs: what a run costs beside its program, and whether anything piles up. */
export const shortRuns: Measurement = {
  name: "short-runs",
  async measure(bench) {
    const directory = join(bench.directory, "short-runs");
    const count = repetitions(1000, bench.scale, 60);
    const site = await Site.open(bench.executable, directory);
    try {
      const runner = await site.startRunner(["/bin/true"], { MAX_CONCURRENT_RUNS: String(WIDTH) });
      await runner.ready();
      // Runs of one pipeline don't overlap.
      const pipelineIds: string[] = [];
      while (pipelineIds.length < AHEAD) pipelineIds.push(await site.deploy());
      const before = await bareRate(bench.empty, Math.ceil(count / 2));
      const memory: { readonly runs: number; readonly megabytes: number }[] = [];
      const open = new Set<string>();
      let [ordered, ended] = [0, 0];
      const since = performance.now();
      await until(
        "the end of all runs",
        async () => {
          for (; open.size < AHEAD && ordered < count; ordered++) {
            open.add(await site.order(pipelineIds[ordered % AHEAD] ?? ""));
          }
          for (const run of await newest(site)) {
            if (open.has(run.runId) && assertGood(run) !== undefined && open.delete(run.runId)) ended++;
          }
          memory.push({ runs: ended, megabytes: (await memoryOf(runner.pid)).resident });
          return ended === count || undefined;
        },
        600_000,
        LOOK_EVERY_MS,
      );
      const rate = count / ((performance.now() - since) / 1000);
      // Half before and half after: what else the machine did meanwhile is in both.
      const bare = (before + (await bareRate(bench.empty, Math.ceil(count / 2)))) / 2;
      bench.say(`short runs: ${rate.toFixed(1)} a second; the bare runtime alone ${bare.toFixed(1)}`);
      const warm = memory.filter(({ runs }) => runs >= count * WARM_PART);
      return [
        {
          name: `${count} runs of /bin/true, 8 at once, to the bare runtime`,
          unit: "ratio",
          samples: [rate / bare],
          target: { atLeast: 0.5 },
        },
        {
          name: "runner's RSS, growth in 1,000 short runs",
          unit: "MB",
          samples: [slope(warm) * 1000],
          target: { atMost: 5 },
        },
      ];
    } finally {
      await site.close();
      await rm(directory, { recursive: true, force: true });
    }
  },
};

/** Runs a second when each is nothing but the start of an empty executable. */
async function bareRate(empty: string, count: number): Promise<number> {
  const since = performance.now();
  await inParallel(count, WIDTH, async () => void (await timeToExit([empty])));
  return count / ((performance.now() - since) / 1000);
}

async function newest(site: Site): Promise<readonly RunView[]> {
  return (await site.api<{ runs: readonly RunView[] }>("GET", `/runs?limit=${2 * AHEAD}`)).runs;
}

/** Megabytes a run, by least squares. */
function slope(points: readonly { readonly runs: number; readonly megabytes: number }[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(({ runs }) => runs)), mean(points.map(({ megabytes }) => megabytes))];
  const over = points.reduce((sum, point) => sum + (point.runs - x) * (point.megabytes - y), 0);
  return over / points.reduce((sum, point) => sum + (point.runs - x) ** 2, 0);
}
