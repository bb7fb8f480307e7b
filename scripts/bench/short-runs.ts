import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Figure, type Measurement, repetitions } from "./figure.ts";
import { inParallel, memoryOf, processorTimeOf, timeToExit, until } from "./processes.ts";
import { assertGood, type RunnerProcess, type RunView, Site } from "./site.ts";

const WIDTH = 8;
/** Ordered and not yet ended: enough that the runner never waits for us. */
const AHEAD = 3 * WIDTH;
const LOOK_EVERY_MS = 50;

/** Where the runner stood when so many runs had ended. */
interface Seen {
  readonly runs: number;
  readonly at: number;
  readonly megabytes: number;
}

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
      // Within the first half the runner is still getting warm: its memory is judged by the second.
      const processor = await processorTimes(site, runner);
      const seen = await runAll(site, runner, pipelineIds, 2 * count);
      const used = await processorTimes(site, runner);
      const begin = seen[0]?.at ?? 0;
      const half = seen.find(({ runs }) => runs >= count);
      const rate = (1000 * (half?.runs ?? 0)) / ((half?.at ?? 0) - begin);
      // Half before and half after: what else the machine did meanwhile is in both.
      const bare = (before + (await bareRate(bench.empty, Math.ceil(count / 2)))) / 2;
      bench.say(`short runs: ${rate.toFixed(1)} a second; the bare runtime alone ${bare.toFixed(1)}`);
      const perRun = (name: keyof typeof used, what: string): Figure => ({
        name: `a short run: processor time of ${what}`,
        unit: "ms",
        samples: [(used[name] - processor[name]) / (2 * count)],
      });
      return [
        {
          name: `${count} runs of /bin/true, 8 at once, to the bare runtime`,
          unit: "ratio",
          samples: [rate / bare],
          target: { atLeast: 0.5 },
        },
        perRun("runs", "its supervisor and its program"),
        perRun("runner", "the runner"),
        perRun("gateway", "the gateway"),
        {
          name: "runner's RSS, growth in 1,000 short runs",
          unit: "MB",
          samples: [slope(seen.filter(({ runs }) => runs >= count)) * 1000],
          target: { atMost: 5 },
        },
      ];
    } finally {
      await site.close();
      await rm(directory, { recursive: true, force: true });
    }
  },
};

/** Orders the runs, as many ahead as keep the runner busy, and waits for their ends. */
async function runAll(
  site: Site,
  runner: RunnerProcess,
  pipelineIds: readonly string[],
  count: number,
): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  const open = new Set<string>();
  let [ordered, ended] = [0, 0];
  await until(
    "the end of all runs",
    async () => {
      seen.push({ runs: ended, at: performance.now(), megabytes: (await memoryOf(runner.pid)).resident });
      for (; open.size < AHEAD && ordered < count; ordered++) {
        open.add(await site.order(pipelineIds[ordered % AHEAD] ?? ""));
      }
      for (const run of await openOnes(site, open)) {
        if (assertGood(run) !== undefined && open.delete(run.runId)) ended++;
      }
      return ended === count || undefined;
    },
    600_000,
    LOOK_EVERY_MS,
  );
  return seen;
}

/** What was used of the processors until now, in milliseconds; below the runner are supervisors and programs. */
async function processorTimes(
  site: Site,
  runner: RunnerProcess,
): Promise<{ readonly runs: number; readonly runner: number; readonly gateway: number }> {
  const { own, below } = await processorTimeOf(runner.pid);
  return { runs: below, runner: own, gateway: (await processorTimeOf(site.gatewayPid)).own };
}

/** Runs a second when each is nothing but the start of an empty executable. */
async function bareRate(empty: string, count: number): Promise<number> {
  const since = performance.now();
  await inParallel(count, WIDTH, async () => void (await timeToExit([empty])));
  return count / ((performance.now() - since) / 1000);
}

/** Those that were open at the last look; one that took long may stand behind many newer ones. */
async function openOnes(site: Site, open: ReadonlySet<string>): Promise<readonly RunView[]> {
  const { runs } = await site.api<{ runs: readonly RunView[] }>("GET", `/runs?limit=${2 * AHEAD}`);
  const near = runs.filter(({ runId }) => open.has(runId));
  const found = new Set(near.map(({ runId }) => runId));
  const far = [...open].filter((runId) => !found.has(runId));
  return [...near, ...(await Promise.all(far.map((runId) => site.run(runId))))];
}

/** Megabytes a run, by least squares. */
function slope(points: readonly Seen[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(({ runs }) => runs)), mean(points.map(({ megabytes }) => megabytes))];
  const over = points.reduce((sum, point) => sum + (point.runs - x) * (point.megabytes - y), 0);
  return over / points.reduce((sum, point) => sum + (point.runs - x) ** 2, 0);
}
