import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT, readSources } from "./architecture/source-tree.ts";

/* docs/security.md claims nothing without a proof, and its proofs exist. */

const document = readFileSync(join(ROOT, "docs/security.md"), "utf8");
const PROOF = /\(\[[^\]]+\]\(\.\.\/(test\/[^)]+)\): "([^"]+)"\)/g;

test("every claim of docs/security.md names at least one test", () => {
  const section = document.slice(document.indexOf("## Claims"), document.indexOf("## When somebody is hostile"));
  const claims = section.split("\n").filter((line) => line.startsWith("- "));
  expect(claims.length).toBeGreaterThan(20);
  expect(claims.filter((claim) => [...claim.matchAll(PROOF)].length === 0)).toEqual([]);
});

test("every test that docs/security.md names exists, in that file and under that name", () => {
  const proofs = [...document.matchAll(PROOF)].map(([, file = "", title = ""]) => ({ file, title }));
  expect(proofs.length).toBeGreaterThan(40);
  const missing = proofs.filter(({ file, title }) => {
    const path = join(ROOT, file);
    return !existsSync(path) || !titlesIn(readFileSync(path, "utf8")).includes(title);
  });
  expect(missing).toEqual([]);
  // Whatever looks like a proof is one, so that a misspelt one isn't passed over.
  expect(document.match(/\]\(\.\.\/test\/[^)]+\): /g)).toHaveLength(proofs.length);
});

test("secrets are compared in constant time only", () => {
  const sources = readSources("src");
  // Where somebody else shows a secret that is compared with ours; the runner compares its own with its own.
  const gateway = sources.filter(({ path }) => path.startsWith("src/gateway/"));
  const compared = /\.reveal\(\)\s*[!=]==?|[!=]==?\s*[\w.]+\.reveal\(\)/;
  expect(gateway.filter(({ text }) => compared.test(text)).map(({ path }) => path)).toEqual([]);
  const auth = gateway.filter(({ path }) => path.startsWith("src/gateway/auth/"));
  const hashes = /sha256(Hex\(\w+\))?\s*[!=]==|[!=]==\s*\S*sha256/;
  expect(auth.filter(({ text }) => hashes.test(text)).map(({ path }) => path)).toEqual([]);
  const careful = auth.filter(({ text }) => text.includes("equalInConstantTime(")).map(({ path }) => path);
  expect(careful).toEqual(["src/gateway/auth/admin-token.ts", "src/gateway/auth/runner-tokens.ts"]);
  const { text } = sources.find(({ path }) => path === "src/runtime/crypto.ts") ?? { text: "" };
  expect(text.slice(text.indexOf("function equalInConstantTime"))).toMatch(/^[^}]*timingSafeEqual\(/);
});

test("every answer of every API test is held against the described shape", () => {
  const client = readFileSync(join(ROOT, "test/gateway/test-gateway.ts"), "utf8");
  expect(client).toMatch(/async call<[\s\S]{0,600}?expectDescribed\(method, path, response\.status, answer\);/);
  // Strict shapes only: a field that nobody described makes the comparison fail.
  const views = readFileSync(join(ROOT, "src/gateway/api/views.ts"), "utf8");
  expect(views).toContain("z.strictObject(");
  expect(views).not.toMatch(/z\s*\.(object|looseObject)\(/);
});

/** Titles as they stand in the source: the first argument of test, it, test.each(…) and so on. */
function titlesIn(source: string): readonly string[] {
  return [...source.matchAll(/\b(?:test|it|describe)(?:\.\w+)*(?:\([^;]*?\))?\(\s*"((?:[^"\\]|\\.)*)"/g)].map(
    ([, title = ""]) => title,
  );
}
