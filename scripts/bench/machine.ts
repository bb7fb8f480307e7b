import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { statfs } from "node:fs/promises";
import os from "node:os";

/** What the figures depend on beside the program; one line each. */
export async function machineLines(executable: string, directory: string): Promise<readonly string[]> {
  const cpus = os.cpus();
  const { bsize, blocks } = await statfs(directory);
  return [
    `processor: ${cpus[0]?.model.trim() ?? "unknown"}, ${cpus.length} cores`,
    `memory: ${(os.totalmem() / 2 ** 30).toFixed(1)} GiB`,
    `system: ${os.type()} ${os.release()} ${os.arch()}`,
    `runtime: node ${process.versions.node}, V8 ${process.versions.v8}`,
    `disk: ${((bsize * blocks) / 2 ** 30).toFixed(0)} GiB`,
    `load before the start (1, 5, 15 minutes): ${os
      .loadavg()
      .map((load) => load.toFixed(2))
      .join(", ")}`,
    `date: ${new Date().toISOString().slice(0, 10)}, executable ${(await sha256(executable)).slice(0, 12)}`,
  ];
}

/** Others that work on the machine at the same time spoil the figures. */
export function isQuiet(): boolean {
  return (os.loadavg()[0] ?? 0) < 0.3 * os.cpus().length;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest("hex");
}
