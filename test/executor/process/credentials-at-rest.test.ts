import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../../fakes/eventually.ts";
import { endOf, specOf } from "../executor.contract.ts";
import { createProcessWorld } from "./process-world.ts";

const NEEDLE = "n33dle-0f-a-credential";

async function filesWithNeedle(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(files.map(async (file) => [file, await readFile(file, "latin1")] as const));
  return texts.filter(([, text]) => text.includes(NEEDLE)).map(([file]) => file);
}

test.each(["that ended by itself", "whose supervisor was killed"])(
  "of a run %s no credential stays on the disk, be it a variable or the bot token",
  { timeout: 90_000 },
  async (how) => {
    const world = await createProcessWorld();
    const executor = await world.open({ programVariables: { DB_PASSWORD: NEEDLE } });
    const gate = join(world.directory, "gate");
    const spec = { ...specOf([{ waitFor: gate }]) };
    const config = { ...spec.config, openMetadataServerConnection: { securityConfig: { jwtToken: NEEDLE } } };
    await executor.start({ ...spec, config });
    const claim = await world.record(spec.runId, "program.json").then(() => world.record(spec.runId, "claim.json"));
    expect(await filesWithNeedle(join(world.directory))).not.toEqual([]);
    if (how.includes("killed")) process.kill(claim.identity.pid, "SIGKILL");
    else await world.touch("gate");
    expect((await endOf(executor, spec.runId)).state).toBe(how.includes("killed") ? "failed" : "success");
    await eventually(async () => expect(await filesWithNeedle(world.directory)).toEqual([]));
  },
);
