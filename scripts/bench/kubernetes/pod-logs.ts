import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type BenchContext, type Figure, repetitions } from "../figure.ts";
import { inParallel, processorTimeOf, until } from "../processes.ts";
import type { RunView } from "../site.ts";
import type { Cluster } from "./cluster.ts";
import { KubernetesSite } from "./kubernetes-site.ts";

const PODS = 20;
const MEBIBYTE = 1_048_576;
const PAGE_BYTES = 1_048_576;
const LINE = "2026-01-01 12:00:00 INFO  ingestion  Processed table shop.public.orders, 1200 rows, ok, number";
const LIMIT_MS = 300_000;
/** Logs of which nothing comes for so long are over. */
const QUIET_MS = 30_000;

/** Twenty pods that print a mebibyte a second each: whether all of it arrives, and what share of a processor the runner takes for it. */
export async function podLogs(bench: BenchContext, cluster: Cluster): Promise<readonly Figure[]> {
  const seconds = repetitions(20, bench.scale, 5);
  const print = `yes "${LINE} $i" | head -c ${MEBIBYTE}`;
  const script = `i=0; while [ $i -lt ${seconds} ]; do ${print}; sleep 1; i=$((i+1)); done`;
  const here = await KubernetesSite.open(bench, cluster, {
    topic: "logs",
    pods: "real",
    command: ["/bin/sh", "-c", script],
  });
  try {
    const { site } = here;
    const runner = await here.startRunner();
    await runner.ready();
    const runs: string[] = [];
    await inParallel(PODS, PODS, async () => void runs.push(await site.order(await site.deploy())));
    await until(
      "the first line",
      async () => (await all(here, runs)).some(({ logBytes }) => logBytes > 0) || undefined,
      LIMIT_MS,
    );
    const [since, before] = [performance.now(), await processorTimeOf(runner.pid)];
    await here.allEnded(LIMIT_MS);
    const ended = performance.now();
    const arrived = await lastArrival(here, runs);
    const used = (await processorTimeOf(runner.pid)).own - before.own;
    const expected = expectedLog(seconds);
    let [different, unproved] = [0, 0];
    for (const { runId } of await all(here, runs)) {
      const { sha256, verified } = await storedLog(here, runId);
      if (sha256 !== expected.sha256) different++;
      if (!verified) unproved++;
    }
    const megabytes = (PODS * expected.bytes) / 1e6;
    const what = `${PODS} pods × 1 MiB/s of log`;
    return [
      {
        name: `${what}: logs that miss something at the gateway`,
        unit: "count",
        samples: [different],
        target: { atMost: 0 },
      },
      { name: `${what}: logs it can't prove`, unit: "count", samples: [unproved] },
      { name: `${what}: rate to the gateway`, unit: "MB/s", samples: [megabytes / ((arrived - since) / 1000)] },
      { name: `${what}: runner's share of a processor`, unit: "%", samples: [(100 * used) / (arrived - since)] },
      { name: `${what}: runner's processor time for a megabyte`, unit: "ms", samples: [used / megabytes] },
      { name: `${what}: last end to last byte`, unit: "s", samples: [(arrived - ended) / 1000] },
    ];
  } finally {
    await here.close();
  }
}

/** What a pod prints. */
function expectedLog(seconds: number): { readonly bytes: number; readonly sha256: string } {
  const hash = createHash("sha256");
  for (let i = 0; i < seconds; i++) {
    const line = `${LINE} ${i}\n`;
    hash.update(bare(line.repeat(Math.ceil(MEBIBYTE / line.length)).slice(0, MEBIBYTE)));
  }
  return { bytes: seconds * MEBIBYTE, sha256: hash.digest("hex") };
}

/** What the gateway has of a log, and whether it knows that this is the log its runner had. */
async function storedLog(
  { site }: KubernetesSite,
  runId: string,
): Promise<{ readonly sha256: string; readonly verified: boolean }> {
  const hash = createHash("sha256");
  let begun = "";
  for (let after = 0; ; ) {
    const path = `/runs/${runId}/logs?limit=${PAGE_BYTES}&after=${after}`;
    const page = await site.api<{ text: string; nextOffset: number; verified: boolean }>("GET", path);
    if (page.nextOffset === after) return { sha256: hash.update(bare(begun)).digest("hex"), verified: page.verified };
    const text = begun + page.text;
    const whole = text.lastIndexOf("\n") + 1;
    hash.update(bare(text.slice(0, whole)));
    begun = text.slice(whole);
    after = page.nextOffset;
  }
}

/** Without the runner's own lines, and without line ends: it ends a line before one of its own. */
function bare(text: string): string {
  return text.replaceAll(/^\[hybrid-runner: .*\]$/gm, "").replaceAll("\n", "");
}

function all({ site }: KubernetesSite, runs: readonly string[]): Promise<readonly RunView[]> {
  return Promise.all(runs.map((runId) => site.run(runId)));
}

/** The moment since which nothing more has come: all is there, or what is missing doesn't come. */
async function lastArrival(here: KubernetesSite, runs: readonly string[]): Promise<number> {
  let [bytes, at] = [0, performance.now()];
  while (performance.now() - at < QUIET_MS) {
    const now = await all(here, runs);
    const sum = now.reduce((total, { logBytes }) => total + logBytes, 0);
    if (sum !== bytes) [bytes, at] = [sum, performance.now()];
    if (now.every(isWhole)) break;
    await sleep(100);
  }
  return at;
}

function isWhole({ logBytes, logEnd }: RunView): boolean {
  return logEnd !== undefined && logBytes === logEnd.bytes;
}
