import { existsSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { describe, expect, test } from "vitest";

/* test/faults.md claims proofs: the files are there, and so are the tests that it names. */

const root = join(import.meta.dirname, "../..");
const rows = readFileSync(join(root, "test/faults.md"), "utf8")
  .split("\n")
  .filter((line) => /^\| \d/.test(line));

interface Row {
  readonly id: string;
  readonly files: readonly string[];
  readonly names: readonly string[];
}

function read(row: string): Row {
  const [, id = "", , ...cells] = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
  const proof = cells.join("|");
  const linked = [...proof.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = ""]) => normalize(join("test", path)));
  const plain = [...proof.matchAll(/\btest\/[\w/.-]+\.(?:test|contract)\.ts/g)].map(([path]) => path);
  return { id, files: [...linked, ...plain], names: [...proof.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name) };
}

test("test/faults.md has its rows in the order of their ids, none twice", () => {
  const ids = rows.map((row) => read(row).id);
  expect(ids.length).toBeGreaterThan(70);
  const order = (id: string): string => id.replace(/^\d+/, (digits) => digits.padStart(2, "0"));
  expect(ids).toEqual(
    [...ids].sort((one, other) => (order(one) < order(other) ? -1 : order(one) > order(other) ? 1 : 0)),
  );
  const told = rows.map((row) => row.split("|")[2]?.trim());
  expect(told.filter((text, at) => told.indexOf(text) !== at)).toEqual([]);
});

describe.each(rows.map(read))("the proof of $id: $files", ({ files, names }) => {
  test("is there, with every test that it names", () => {
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
    expect(files.length).toBeGreaterThan(0);
    const text = files.map((file) => (/\.[a-z]+$/.test(file) ? readFileSync(join(root, file), "utf8") : "")).join("\n");
    const parts = names.flatMap((name) => name.split("…").map((part) => part.trim()));
    expect(parts.filter((part) => !text.includes(part))).toEqual([]);
  });
});
