import { readdir, readFile } from "node:fs/promises";

/** A process of this machine, as far as the chaos looks. */
export interface Found {
  readonly pid: number;
  readonly command: string;
}

/** A process that supervises runs, one after the other. */
export interface Supervisor extends Found {
  /** The run it has claimed and not ended; absent when it waits for one or has not claimed one yet. */
  readonly runId?: string;
}

/** Every process that names `words` in its command line or its environment. Sorted by process id. */
export async function processesOf(words: string): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const name of await readdir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const command = await read(`/proc/${name}/cmdline`);
    if (command === "") continue;
    const names = command.includes(words) || (await read(`/proc/${name}/environ`)).includes(words);
    if (names) found.push({ pid, command: command.replaceAll("\0", " ").trim() });
  }
  return found.sort((left, right) => left.pid - right.pid);
}

/** The supervisors of the runs in a directory. Their command line names the first run they were given, their claim the present one. */
export async function supervisorsIn(runsDirectory: string): Promise<readonly Supervisor[]> {
  const found = await processesOf(`--run-directory\0${runsDirectory}`);
  const claimed = found.length === 0 ? new Map<number, string>() : await claimedRuns(runsDirectory);
  return found.map((process) => {
    const runId = claimed.get(process.pid);
    return { ...process, ...(runId === undefined ? {} : { runId }) };
  });
}

/** Runs that a supervisor has claimed and whose end isn't written, by the supervisor's process id. */
export async function claimedRuns(runsDirectory: string): Promise<ReadonlyMap<number, string>> {
  const runs = new Map<number, string>();
  for (const runId of await readdir(runsDirectory).catch((): string[] => [])) {
    const claim = await read(`${runsDirectory}/${runId}/claim.json`);
    const pid = /"pid":\s*(\d+)/.exec(claim)?.[1];
    if (pid !== undefined && (await read(`${runsDirectory}/${runId}/end.json`)) === "") runs.set(Number(pid), runId);
  }
  return runs;
}

/** Stops a process where it stands and waits until it does. False when it has ended already. */
export async function freeze(pid: number): Promise<boolean> {
  if (!kill(pid, "SIGSTOP")) return false;
  const limit = performance.now() + 1000;
  for (;;) {
    const state = /\) (\w)/.exec(await read(`/proc/${pid}/stat`))?.[1];
    if (state === "T" || state === undefined || performance.now() > limit) return state !== undefined;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Sends KILL. False when it had ended already. */
export function kill(pid: number, signal: NodeJS.Signals = "SIGKILL"): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "latin1");
  } catch {
    return "";
  }
}
