import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openChance } from "./chance.ts";
import type { ChaosOptions } from "./options.ts";
import type { Orders, RunView } from "./orders.ts";
import { processesOf, supervisorsIn } from "./processes.ts";
import { GATED, type LedgerEntry, LOUD_LINES, SECRET } from "./programs.ts";
import { type ChaosSite, KEEP_RUNS, wait } from "./site.ts";

const LOG_SAMPLE = 40;

/** Looks until nothing is wrong or the limit has passed; answers what is wrong still. */
export async function settled(limitMs: number, look: () => Promise<readonly string[]>): Promise<readonly string[]> {
  const limit = performance.now() + limitMs;
  for (;;) {
    const wrong = await look();
    if (wrong.length === 0 || performance.now() > limit) return wrong;
    await wait(500);
  }
}

/** As many fresh runs as there are places must be live at the same time, and must succeed. */
export async function checkPlaces(site: ChaosSite, orders: Orders, options: ChaosOptions): Promise<readonly string[]> {
  for (let i = 0; i < options.concurrency; i++) await orders.place(GATED);
  const running = async (): Promise<readonly string[]> => {
    const live = (await orders.list("&state=running")).length;
    return live === options.concurrency ? [] : [`${live} of ${options.concurrency} places can be taken at the end`];
  };
  const wrong = await settled(60_000, running);
  await writeFile(site.gate, "");
  await orders.ended(60_000);
  return wrong;
}

/** Every log is complete and proved; a sample is read and compared with what the program prints. */
export async function checkLogs(
  site: ChaosSite,
  orders: Orders,
  runs: readonly RunView[],
  seed: number,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  const chance = openChance(seed, "logs");
  const withLog = runs.filter((run) => run.logEnd !== undefined);
  for (const run of withLog) {
    if (run.logEnd?.bytes === run.logBytes && run.logGaps.length === 0) continue;
    if (orders.behaviour(run.pipelineId)?.type === "flood") continue;
    wrong.push(`the log of ${run.runId} has ${run.logBytes} bytes here and ${run.logEnd?.bytes} there`);
  }
  for (let i = 0; i < LOG_SAMPLE && withLog.length > 0; i++) {
    const run = chance.pick(withLog.filter(({ logBytes }) => logBytes <= 1_048_576));
    if (run === undefined) break;
    const path = `/runs/${run.runId}/logs?limit=1048576`;
    const page = await site.api<{ text: string; complete: boolean; verified: boolean }>("GET", path);
    if (!page.complete || !page.verified) wrong.push(`the log of ${run.runId} is not verified`);
    if (page.text.includes(SECRET)) wrong.push(`the log of ${run.runId} holds a secret`);
    const type = orders.behaviour(run.pipelineId)?.type;
    if (type === "loud" && run.state === "success" && page.text !== loudLog()) {
      wrong.push(`the log of ${run.runId} is not what its program printed`);
    }
  }
  return wrong;
}

function loudLog(): string {
  return Array.from({ length: LOUD_LINES }, (_, index) => `line ${index + 1}\n`).join("");
}

/** Nothing of any run is left running. */
export async function checkProcesses(site: ChaosSite): Promise<readonly string[]> {
  const supervisors = await supervisorsIn(site.runsDirectory);
  const programs = await processesOf(`LEDGER=${site.ledger}`);
  const left = new Map([...supervisors, ...programs].map((found) => [found.pid, found.command]));
  return [...left].map(([pid, command]) => `process ${pid} is left: ${command.slice(0, 200)}`);
}

/** Only run directories that retention may keep are left, nothing half made in them, and no configuration file. */
export async function checkFiles(
  site: ChaosSite,
  ledger: ReadonlyMap<string, LedgerEntry>,
  runs: readonly RunView[],
): Promise<readonly string[]> {
  const wrong: string[] = await configurationsInMemory(new Set(runs.map(({ runId }) => runId)));
  let beyond = 0;
  for (const name of await readdir(site.runsDirectory)) {
    const directory = join(site.runsDirectory, name);
    if (name.startsWith(".")) {
      wrong.push(`${directory} is left`);
      continue;
    }
    const files = await readdir(directory).catch((): string[] => []);
    for (const file of files) {
      if (file.startsWith(".") || file === "reserve") wrong.push(`${join(directory, file)} is left`);
    }
    if (!files.includes("released.json")) wrong.push(`${directory} was never released`);
    if (!(await mayStillBeAskedFor(directory))) beyond++;
  }
  if (beyond > KEEP_RUNS) wrong.push(`${beyond} run directories are left, of ${KEEP_RUNS} that are kept`);
  for (const { configurationFiles } of ledger.values()) {
    for (const path of configurationFiles) if (await exists(path)) wrong.push(`${path} is left`);
  }
  return wrong;
}

/** Configurations of these runs that lie in memory still, for runs whose program never came to write down where it was. */
async function configurationsInMemory(runIds: ReadonlySet<string>): Promise<string[]> {
  const left: string[] = [];
  for (const place of ["/dev/shm", tmpdir()]) {
    for (const name of await readdir(place).catch((): string[] => [])) {
      if (!name.startsWith("hybrid-runner-")) continue;
      const path = join(place, name, "config.json");
      const runId = /"pipelineRunId": *"([0-9a-f-]{36})"/.exec(await readFile(path, "utf8").catch(() => ""))?.[1];
      if (runId !== undefined && runIds.has(runId)) left.push(`${path} is left`);
    }
  }
  return left;
}

/** A run that the gateway could offer again is kept beyond the count. */
async function mayStillBeAskedFor(directory: string): Promise<boolean> {
  const text = await readFile(join(directory, "intent.json"), "utf8").catch(() => "{}");
  const intent = JSON.parse(text) as { spec?: { startBefore?: number } };
  return (intent.spec?.startBefore ?? 0) + 10_000 > Date.now();
}

async function exists(path: string): Promise<boolean> {
  return path !== "" && (await stat(path).catch(() => undefined)) !== undefined;
}
