import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Faults } from "./faults.ts";
import { judge } from "./judgement.ts";
import type { ChaosOptions } from "./options.ts";
import { Orders } from "./orders.ts";
import { FLOOD, readLedger } from "./programs.ts";
import { ChaosSite } from "./site.ts";
import { checkFiles, checkLogs, checkPlaces, checkProcesses, settled } from "./world.ts";

/** What a round of chaos came to. */
export interface RoundResult {
  readonly seed: number;
  readonly program: string;
  readonly runs: number;
  readonly seconds: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Empty when all is as it must be. */
  readonly violations: readonly string[];
  /** Where everything can be looked at, when it was kept. */
  readonly evidence?: string;
}

/** A run that doesn't end for so long, after all others, never will. */
const END_LIMIT_MS = 150_000;
const SETTLE_MS = 30_000;
const PROGRESS_MS = 5000;

/** Plays one round: order, harm, heal, look. `say` is told how it goes. */
export async function playRound(options: ChaosOptions, say: (line: string) => void): Promise<RoundResult> {
  const begin = performance.now();
  const site = await ChaosSite.open(options);
  const orders = new Orders(site, options);
  const faults = new Faults(site, orders);
  say(`seed ${options.seed}, ${options.runs} runs, program: ${options.programName}, in ${site.directory}`);
  const progress = setInterval(() => say(progressLine(begin, orders, faults)), PROGRESS_MS);
  try {
    await orders.deploy();
    if (options.largeOutputMegabytes > 0) await orders.place(FLOOD);
    const harm = faults.run(options.seed, options.faultSeconds);
    await orders.placeAll(END_LIMIT_MS);
    faults.stop();
    await harm;
    say(`${seconds(begin)} s  no more faults; looking at what is left`);
    const violations = await look(site, orders, faults, options);
    const result = await conclude(site, orders, faults, violations, options, begin);
    return result;
  } finally {
    clearInterval(progress);
    await site.close();
    if (!options.keep && !keepEvidence.has(site)) await rm(site.directory, { recursive: true, force: true });
  }
}

const keepEvidence = new WeakSet<ChaosSite>();

async function look(site: ChaosSite, orders: Orders, faults: Faults, options: ChaosOptions): Promise<string[]> {
  const places = orders.open.size > 0 ? [] : await checkPlaces(site, orders, options);
  const logs = async (): Promise<readonly string[]> => checkLogs(site, orders, await orders.list(""), options.seed);
  return [
    ...places,
    ...(await settled(SETTLE_MS, logs)),
    ...(await settled(SETTLE_MS, () => checkProcesses(site))),
    ...(await settled(SETTLE_MS, async () => checkFiles(site, await readLedger(site.ledger), await orders.list("")))),
    ...judge(await orders.list(""), orders, await readLedger(site.ledger), faults.record).violations,
  ];
}

async function conclude(
  site: ChaosSite,
  orders: Orders,
  faults: Faults,
  violations: readonly string[],
  options: ChaosOptions,
  begin: number,
): Promise<RoundResult> {
  const runs = await orders.list("");
  const { outcomes } = judge(runs, orders, await readLedger(site.ledger), faults.record);
  if (violations.length > 0) {
    keepEvidence.add(site);
    await writeFile(join(site.directory, "faults.txt"), `${faults.record.story.join("\n")}\n`);
    await writeFile(join(site.directory, "runs.json"), JSON.stringify(runs, null, 1));
    await writeFile(join(site.directory, "violations.txt"), `${violations.join("\n")}\n`);
  }
  return {
    seed: options.seed,
    program: options.programName,
    runs: runs.length,
    seconds: Number(seconds(begin)),
    faults: Object.fromEntries([...faults.record.counts].sort()),
    outcomes: Object.fromEntries([...outcomes].sort()),
    violations,
    ...(violations.length > 0 || options.keep ? { evidence: site.directory } : {}),
  };
}

function progressLine(begin: number, orders: Orders, faults: Faults): string {
  const harm = [...faults.record.counts.values()].reduce((sum, count) => sum + count, 0);
  const ended = orders.placed.size - orders.open.size;
  return `${seconds(begin)} s  ordered ${orders.placed.size}, ended ${ended}, faults ${harm}`;
}

function seconds(begin: number): string {
  return ((performance.now() - begin) / 1000).toFixed(1);
}
