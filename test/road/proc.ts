import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A process as other processes of the same user see it. */
export interface ProcessView {
  readonly pid: number;
  /** Its command line, arguments parted by spaces. */
  readonly command: string;
  readonly environment: string;
}

/** Every process whose command or environment names this directory. */
export function processesOf(directory: string): readonly ProcessView[] {
  return allProcesses().filter(({ command, environment }) => `${command}\n${environment}`.includes(directory));
}

/** Every process of the machine, as far as this user may look at it. */
export function allProcesses(): readonly ProcessView[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({
      pid: Number(name),
      command: readText(`/proc/${name}/cmdline`),
      environment: readText(`/proc/${name}/environ`),
    }));
}

/** Local TCP ports on which this process listens. */
export function listeningPorts(pid: number): readonly number[] {
  const own = new Set(
    readNames(`/proc/${pid}/fd`).map((fd) => /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${fd}`))?.[1]),
  );
  const rows = ["tcp", "tcp6"].flatMap((table) => readText(`/proc/${pid}/net/${table}`).split("\n").slice(1));
  return rows.flatMap((row) => {
    const [, local = "", , state, , , , , , inode] = row.trim().split(/\s+/);
    return state === "0A" && own.has(inode) ? [Number.parseInt(local.split(":").at(-1) ?? "", 16)] : [];
  });
}

/** Which of these texts are in the process's own memory (UTF-8 and UTF-16), or undefined when it can't be looked into. */
export async function textsInMemory(pid: number, texts: readonly string[]): Promise<readonly string[] | undefined> {
  const { open } = await import("node:fs/promises");
  const memory = await open(`/proc/${pid}/mem`, "r").catch(() => undefined);
  if (memory === undefined) return undefined;
  const found = new Set<string>();
  const regions = [...readText(`/proc/${pid}/maps`).matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)];
  const buffer = Buffer.alloc(4_194_304);
  const overlap = Math.max(...texts.map((text) => 2 * text.length));
  try {
    for (const [, from = "", to = ""] of regions) {
      for (let at = Number.parseInt(from, 16); at < Number.parseInt(to, 16); at += buffer.length - overlap) {
        const length = Math.min(buffer.length, Number.parseInt(to, 16) - at);
        const { bytesRead } = await memory.read(buffer, 0, length, at).catch(() => ({ bytesRead: 0 }));
        const bytes = buffer.subarray(0, bytesRead);
        for (const text of texts) if (bytes.includes(text) || bytes.includes(text, 0, "utf16le")) found.add(text);
      }
    }
  } finally {
    await memory.close();
  }
  return [...found];
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

function readNames(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
