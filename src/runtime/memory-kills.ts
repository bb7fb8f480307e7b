import { readTextIfExists } from "./files.ts";

/** Where a container sees what the kernel counts of its own memory group: with groups of version 2, and of version 1. */
const COUNTERS = ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"];

/** How many processes of this container the kernel has killed for lack of memory; undefined where that can't be seen. */
export async function memoryKills(paths: readonly string[] = COUNTERS): Promise<number | undefined> {
  for (const path of paths) {
    const text = await readTextIfExists(path).catch(() => undefined);
    const count = /^oom_kill (\d{1,15})$/m.exec(text ?? "")?.[1];
    if (count !== undefined) return Number(count);
  }
  return undefined;
}
