import { expect, test } from "vitest";
import { declaredErrors } from "../../scripts/generate/error-kinds.ts";
import { PLACES, placeOf } from "../../scripts/generate/errors.ts";
import { CLOSE_CODES } from "../../src/protocol/close-codes.ts";
import { FAILURE_CATEGORIES } from "../../src/protocol/failure-category.ts";
import { errorDeclarations } from "../architecture/source-rules.ts";
import { readSources } from "../architecture/source-tree.ts";
import { anchorsOf } from "./markdown-links.ts";
import { remedyFor, troubleshooting } from "./troubleshooting.ts";

const anchors = anchorsOf(troubleshooting);

test("docs/troubleshooting.md has a row with an anchor for every error code of every file that declares some", async () => {
  const errors = await declaredErrors();
  const files = new Set(errors.map(({ file }) => file));
  expect([...files].sort()).toEqual([...errorDeclarations(readSources("src"))].sort());
  expect(errors.length).toBeGreaterThan(50);
  for (const { code } of errors) expect(anchors.has(code), code).toBe(true);
});

test("docs/troubleshooting.md has a row with an anchor for every close name and every failure category", () => {
  for (const name of Object.keys(CLOSE_CODES)) expect(anchors.has(name), name).toBe(true);
  for (const name of Object.keys(FAILURE_CATEGORIES)) expect(anchors.has(`run-${name}`), name).toBe(true);
});

test("docs/troubleshooting.md says of every error where people meet it, and of nothing that isn't there", async () => {
  const errors = await declaredErrors();
  const homeless = errors.filter(({ file }) => placeOf(file) === undefined).map(({ file }) => file);
  expect([...new Set(homeless)], "give the file a row in PLACES of scripts/generate/errors.ts").toEqual([]);
  const unused = Object.keys(PLACES).filter((place) => !errors.some(({ file }) => file.startsWith(place)));
  expect(unused).toEqual([]);
});

test("every next step is one sentence that begins with a capital and ends without a full stop", async () => {
  const texts = [
    ...(await declaredErrors()).map(({ code, advice }) => [code, advice] as const),
    ...Object.entries(FAILURE_CATEGORIES),
  ];
  const bad = texts.filter(
    ([, text]) => !/^[A-Z].*[^.\s]$/.test(text) || /[a-z]\. [A-Z]/.test(text) || text.length > 500,
  );
  expect(bad).toEqual([]);
});

test("the sections that explain a code name one that exists", async () => {
  const known = new Set([
    ...(await declaredErrors()).map(({ code }) => code),
    ...Object.keys(CLOSE_CODES),
    ...Object.keys(FAILURE_CATEGORIES),
  ]);
  const headings = [...troubleshooting.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading ?? "");
  const codes = headings.flatMap((heading) =>
    [...heading.matchAll(/`([A-Z][a-z]+[A-Z]\w+)`/g)].map(([, code]) => code ?? ""),
  );
  expect(codes.length).toBeGreaterThan(8);
  expect(codes.filter((code) => !known.has(code))).toEqual([]);
  expect(remedyFor("nothing listens there")).toContain("SERVER_URL");
  expect(remedyFor("a text that nobody has seen")).toBeUndefined();
});
