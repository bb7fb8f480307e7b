import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type BenchContext, type Figure, quantile, repetitions } from "../figure.ts";
import { fill } from "../many-pipelines.ts";
import type { RunnerProcess } from "../site.ts";
import type { Cluster } from "./cluster.ts";
import { KubernetesSite } from "./kubernetes-site.ts";
import { type RawTarget, type RunBodies, rawPair } from "./raw-posts.ts";

const PROBE = join(import.meta.dirname, "dispatch-probe.ts");
/** Ten a second. */
const EVERY_MS = 100;
const WARM_UP_RUNS = 20;

/** From the arrival of `run.start` at the runner until the API server has made the run's Job and Secret, beyond what two bare POSTs take. */
export async function dispatch(bench: BenchContext, cluster: Cluster): Promise<readonly Figure[]> {
  const count = repetitions(400, bench.scale, 40) + WARM_UP_RUNS;
  let pipelineIds: readonly string[] = [];
  const here = await KubernetesSite.open(bench, cluster, {
    topic: "dispatch",
    // Pods that nobody takes leave the machine to what is measured.
    pods: "nowhere",
    prepare: async (site) => {
      pipelineIds = await fill(site, count + 1);
    },
  });
  try {
    const runner = await here.startRunnerAs([process.execPath, "--disable-warning=ExperimentalWarning", PROBE]);
    await runner.ready();
    const target = await here.rawTarget();
    await dispatchOf(here, runner, pipelineIds[count] ?? "");
    const bodies = { job: await bodyOf(runner, "jobs"), secret: await bodyOf(runner, "secrets") };
    const ours: Promise<number>[] = [];
    const raw: Promise<number>[] = [];
    const begin = performance.now();
    for (let turn = 0; turn < count; turn++) {
      await sleep(Math.max(0, begin + turn * EVERY_MS - performance.now()));
      ours.push(dispatchOf(here, runner, pipelineIds[turn] ?? ""));
      // In the middle between two of ours.
      raw.push(sleep(EVERY_MS / 2).then(() => timeOfPair(target, bodies)));
    }
    const samples = (await Promise.all(ours)).slice(WARM_UP_RUNS);
    const bare = (await Promise.all(raw)).slice(WARM_UP_RUNS);
    return [0.5, 0.99].flatMap((part) => figures(part, samples, bare));
  } finally {
    await here.close();
  }
}

function figures(part: number, samples: readonly number[], raw: readonly number[]): readonly Figure[] {
  const name = `dispatch p${100 * part}: run.start to Job and Secret`;
  // Of two distributions only quantiles can be compared: there is no sample of the difference.
  const beyond = quantile(samples, part) - quantile(raw, part);
  const target = { atMost: part === 0.5 ? 5 : 25 };
  return [
    { name, unit: "ms", samples, quantile: part, baseline: { name: "raw POSTs", samples: raw } },
    { name: `${name}, beyond raw POSTs`, unit: "ms", samples: [beyond], target },
  ];
}

async function dispatchOf({ site }: KubernetesSite, runner: RunnerProcess, pipelineId: string): Promise<number> {
  const run = await site.order(pipelineId);
  const line = await runner.logged(
    "the making of a run's objects",
    ({ dispatch, run: of }) => of === run && dispatch !== undefined,
  );
  return Number(line.fields["dispatch"]);
}

async function bodyOf(runner: RunnerProcess, resource: string): Promise<string> {
  return String((await runner.logged(`the first of the ${resource}`, ({ of }) => of === resource)).fields["body"]);
}

async function timeOfPair(target: RawTarget, bodies: RunBodies): Promise<number> {
  const since = performance.now();
  await rawPair(target, bodies);
  return performance.now() - since;
}
