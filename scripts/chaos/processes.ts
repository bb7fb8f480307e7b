import { readdir, readFile } from "node:fs/promises";

/** A process of this machine, as far as the chaos looks. */
export interface Found {
  readonly pid: number;
  readonly command: string;
}

/** A process that supervises a run, or is about to. */
export interface Supervisor extends Found {
  readonly runId: string;
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

/** The supervisors of the runs in a directory. */
export async function supervisorsIn(runsDirectory: string): Promise<readonly Supervisor[]> {
  const found: Supervisor[] = [];
  for (const { pid, command } of await processesOf(`--run-directory\0${runsDirectory}`)) {
    const runId = /--run-directory \S*\/([0-9a-f-]{36})/.exec(command)?.[1];
    if (runId !== undefined) found.push({ pid, command, runId });
  }
  return found;
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
