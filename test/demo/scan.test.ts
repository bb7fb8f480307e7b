import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { makeNeedles, type SecretValue } from "../../src/demo/scan/needles.ts";
import { type ScanResult, scan } from "../../src/demo/scan/scan.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

const TOKEN: SecretValue = { name: "random token", value: "0f8e7d6c5b4a39281706f5e4d3c2b1a0" };
const VALUE: SecretValue = {
  name: "connection string",
  value: `sqlite:///tmp/a "b"/\\é/source-${TOKEN.value}/shop.db?x=1&y=2`,
};
const NEEDLES = makeNeedles([VALUE], [TOKEN]);
const WHOLE_VALUE_ONLY = makeNeedles([VALUE]);

async function scanText(content: string | Uint8Array, needles = NEEDLES): Promise<ScanResult> {
  const directory = await temporaryDirectory();
  await mkdir(join(directory, "deep", "er"), { recursive: true });
  await writeFile(join(directory, "deep", "er", "file.bin"), content);
  return scan([{ name: "place", path: directory }], needles);
}

const base64Behind = (prefix: string): string => Buffer.from(prefix + VALUE.value + prefix).toString("base64");

test.each([
  ["raw", VALUE.value],
  ["in JSON", JSON.stringify({ connection: VALUE.value })],
  ["in JSON with escaped slashes", JSON.stringify({ connection: VALUE.value }).replaceAll("/", "\\/")],
  ["in JSON in JSON", JSON.stringify({ frame: JSON.stringify({ connection: VALUE.value }) })],
  ["URL-encoded", encodeURIComponent(VALUE.value)],
  ["URL-encoded as a path", encodeURI(VALUE.value)],
  ["as a form", new URLSearchParams({ q: VALUE.value }).toString()],
  ["in hexadecimal", Buffer.from(VALUE.value).toString("hex")],
  ["in base64", base64Behind("")],
  ["in base64 one byte later", base64Behind("x")],
  ["in base64 two bytes later", base64Behind("xy")],
  ["in base64 three bytes later", base64Behind("xyz")],
  ["in base64url one byte later", Buffer.from(`x${VALUE.value}`).toString("base64url")],
])("scan finds a whole value %s", async (_name, text) => {
  const result = await scanText(`before ${text} after`, WHOLE_VALUE_ONLY);
  expect(result.hits.length).toBeGreaterThan(0);
  expect(JSON.stringify(result)).not.toContain(TOKEN.value);
});

test("scan finds a value in UTF-16", async () => {
  const { hits } = await scanText(Buffer.from(`..${VALUE.value}..`, "utf16le"), WHOLE_VALUE_ONLY);
  expect(hits).toHaveLength(1);
});

test("scan finds any twelve characters of a random token, also encoded", async () => {
  for (let at = 0; at + 12 <= TOKEN.value.length; at++) {
    const part = TOKEN.value.slice(at, at + 12);
    expect((await scanText(`key=${part}!`)).hits.length, part).toBeGreaterThan(0);
    expect((await scanText(Buffer.from(`?${part}?`).toString("base64"))).hits.length, part).toBeGreaterThan(0);
  }
});

test("scan finds a value across the border of two chunks, and tells its offset", async () => {
  const before = 1_048_576 - 7;
  const { hits, bytes } = await scanText(
    "x".repeat(before) + TOKEN.value + "x".repeat(2_000_000),
    makeNeedles([TOKEN]),
  );
  expect(hits).toMatchObject([{ place: "place", offset: before, needle: "random token, raw" }]);
  expect(bytes).toBe(before + TOKEN.value.length + 2_000_000);
});

test("scan finds a value between bytes that are no text", async () => {
  const noise = Uint8Array.from({ length: 512 }, (_, at) => at % 256);
  const content = Buffer.concat([noise, Buffer.from(VALUE.value), noise]);
  expect((await scanText(content)).hits[0]?.offset).toBe(512);
});

test("scan finds a value in a database's write-ahead log", async () => {
  const directory = await temporaryDirectory();
  const database = new DatabaseSync(join(directory, "gateway.db"));
  database.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (v TEXT)");
  database.prepare("INSERT INTO t VALUES (?)").run(VALUE.value);
  const { hits, files } = await scan([{ name: "database", path: directory }], NEEDLES);
  database.close();
  expect(files).toBe(3);
  expect(hits.map((hit) => hit.file)).toContain(join(directory, "gateway.db-wal"));
});

test("scan finds nothing where nothing is, and counts what it looked at", async () => {
  const result = await scanText(
    `sqlite:///tmp/elsewhere/shop.db ${"0f8e7d6c5b4".repeat(3)} ${btoa("some other text")}`,
  );
  expect(result.hits).toEqual([]);
  expect(result).toMatchObject({ files: 1, places: [{ name: "place", files: 1 }] });
  expect(result.bytes).toBeGreaterThan(60);
});

test("scan tells a place without files", async () => {
  const directory = await temporaryDirectory();
  const result = await scan(
    [
      { name: "empty", path: directory },
      { name: "missing", path: join(directory, "no") },
    ],
    NEEDLES,
  );
  expect(result).toMatchObject({ files: 0, bytes: 0, places: [{ files: 0 }, { files: 0 }] });
});
