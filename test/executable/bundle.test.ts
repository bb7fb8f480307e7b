import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bundle } from "../../scripts/build/bundle.ts";
import { runProgram } from "./run-program.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bundle-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function runBundled(texts: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);
  const { code } = await bundle(folder, "main.ts");
  await writeFile(join(folder, "bundled.cjs"), code);
  const command = [process.execPath, join(folder, "bundled.cjs")];
  return (await runProgram(command, { cwd: folder, env: {}, limitMs: 20_000 })).stdout;
}

test("bundle evaluates a lazily imported module, and what only it imports, at its import() and not before", async () => {
  const printed = await runBundled({
    "main.ts": `
      console.log("start");
      const roles = { used: () => import("./used.ts"), unused: () => import("./unused.ts") };
      roles.used().then(({ name }) => console.log("loaded", name));`,
    "used.ts": 'import "./shared.ts"; console.log("used evaluated"); export const name: string = "used";',
    "unused.ts": 'import "./shared.ts"; import "./deep.ts"; console.log("unused evaluated");',
    "deep.ts": 'console.log("deep evaluated");',
    "shared.ts": 'console.log("shared evaluated");',
  });
  expect(printed.trim().split("\n")).toEqual(["start", "shared evaluated", "used evaluated", "loaded used"]);
});

test("bundle keeps names, and gives import.meta its meaning", async () => {
  const printed = await runBundled({
    "main.ts": `
      class Held {}
      function held() {}
      console.log(Held.name, held.name, import.meta.url.startsWith("file:///"), import.meta.url.endsWith("/bundled.cjs"));`,
  });
  expect(printed).toBe("Held held true true\n");
});

test("bundle says which file it can't find", async () => {
  await expect(runBundled({ "main.ts": 'import "./gone.ts";' })).rejects.toThrow("gone.ts");
});
