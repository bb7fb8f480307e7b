import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createRedactor } from "../../src/secrets/redactor.ts";
import { ROOT } from "../architecture/source-tree.ts";
import { expectMasked, SAMPLE_VALUES } from "./spelled.ts";

const TOOLS = join(ROOT, "node_modules/.cache/test-tools");
const folders = existsSync(TOOLS) ? readdirSync(TOOLS).map((name) => join(TOOLS, name)) : [];
/** A spelling that leaves characters out is only told from innocent text when much else is there. */
const LOSSY = new Set(["ignore"]);

/** What Python's writers make of each value. */
function spellings(values: readonly string[]): readonly Readonly<Record<string, string>>[] {
  const script = join(ROOT, "test/secrets/spell.py");
  const { stdout, stderr, status } = spawnSync("python3", [script, ...folders], {
    input: JSON.stringify(values),
    encoding: "utf8",
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as readonly Record<string, string>[];
}

describe.skipIf(spawnSync("python3", ["--version"]).status !== 0)("what Python programs write", () => {
  const values = Object.values(SAMPLE_VALUES);
  const names = Object.keys(SAMPLE_VALUES);
  const [frame = {}, ...all] = spellings(["Q'ü", ...values]);
  for (const [index, name] of names.entries()) {
    test(`is masked: ${name}`, () => {
      const value = values[index] ?? "";
      const redactor = createRedactor([value]);
      const seen: string[] = [];
      for (const [writer, spelled] of Object.entries(all[index] ?? {})) {
        if (LOSSY.has(writer) && (value.match(/[a-z0-9]{3,}/gi) ?? []).join("").length < 12) continue;
        const fault = expectMasked(redactor, value, spelled, (frame[writer] ?? "").length);
        if (fault !== undefined) seen.push(`${writer}: ${fault}`);
      }
      expect(seen).toEqual([]);
    });
  }
});
