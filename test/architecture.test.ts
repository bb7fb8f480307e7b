import { describe, expect, test } from "vitest";
import { forbiddenImports, importCircles } from "./architecture/import-rules.ts";
import { IMPORT_TABLE } from "./architecture/import-table.ts";
import {
  badNames,
  errorDeclarations,
  errorMessages,
  handmadeCuts,
  longFiles,
  runtimeGlobals,
  timeAndChance,
} from "./architecture/source-rules.ts";
import { ROOT, readSources } from "./architecture/source-tree.ts";

/* What must stay true of the sources as a whole. The rules themselves are proved in architecture/rules.test.ts. */

const sources = readSources("src");
const generated = new Set(["src/protocol/messages.ts"]);

describe("architecture", () => {
  test("every import is allowed by the table", () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(forbiddenImports(sources)).toEqual([]);
  });

  test("every row of the table stands for files that exist", () => {
    const unused = IMPORT_TABLE.filter(
      ({ folder }) => !sources.some(({ path }) => path === `src/${folder}` || path.startsWith(`src/${folder}/`)),
    );
    expect(unused.map(({ folder }) => folder)).toEqual([]);
  });

  test("no files import each other in a circle", () => {
    expect(importCircles(sources)).toEqual([]);
  });

  test("only src/runtime touches what belongs to Node or Deno", () => {
    expect(runtimeGlobals(sources)).toEqual([]);
  });

  test("only src/base/clock.ts knows time and chance", () => {
    expect(timeAndChance(sources)).toEqual([]);
  });

  test("error messages say what can't be done", () => {
    expect(errorMessages(sources)).toEqual([]);
  });

  test("texts are cut between characters", () => {
    expect(handmadeCuts(sources)).toEqual([]);
  });

  test("files are short", () => {
    expect(longFiles([...sources, ...readSources("scripts")], generated)).toEqual([]);
  });

  test("names of files and folders say what is inside, in kebab-case", () => {
    const all = [...sources, ...readSources("scripts"), ...readSources("test")];
    expect(badNames(all.map(({ path }) => path))).toEqual([]);
  });
});

describe("error kinds", () => {
  const declaring = errorDeclarations(sources);

  test("are declared in files named errors.ts (base/scope.ts has base's own)", () => {
    const elsewhere = declaring.filter((path) => !/[/-]errors\.ts$/.test(path));
    expect(elsewhere).toEqual(["src/base/scope.ts"]);
  });

  test("have codes that are unique in the project, with advice in the house's form", async () => {
    const homes = new Map<string, string>();
    const problems: string[] = [];
    for (const path of declaring) {
      for (const { code, advice } of await errorKinds(path)) {
        if (!/^([A-Z][a-z0-9]*)+$/.test(code)) problems.push(`${path}: ${code} is not in UpperCamelCase`);
        if (!/[^.\s]$/.test(advice)) problems.push(`${path}: the advice of ${code} is empty or ends with a full stop`);
        if (homes.has(code)) problems.push(`${path}: ${code} is declared in ${homes.get(code)} too; codes are unique`);
        homes.set(code, path);
      }
    }
    expect(problems).toEqual([]);
    expect(homes.size).toBeGreaterThan(10);
  });
});

interface Kind {
  readonly code: string;
  readonly advice: string;
}

/** The error kinds that a file exports, found by their shape. */
async function errorKinds(path: string): Promise<readonly Kind[]> {
  const exports = (await import(/* @vite-ignore */ `${ROOT}/${path}`)) as Record<string, unknown>;
  const tables = Object.values(exports).filter((value) => typeof value === "object" && value !== null);
  const kinds = tables.flatMap((table) => Object.values(table as object)).filter(isKind);
  expect(kinds.length, `${path} exports its error kinds`).toBeGreaterThan(0);
  return kinds;
}

function isKind(value: unknown): value is Kind {
  return typeof value === "object" && value !== null && "code" in value && "advice" in value && "retryable" in value;
}
