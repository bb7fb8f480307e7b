import { IMPORT_TABLE, type ImportRule, OPEN_TO_ALL } from "./import-table.ts";
import { type Import, importsOf, packageOf, targetOf } from "./imports.ts";
import type { Source } from "./source-tree.ts";

/** What the table says against these sources: one line a forbidden import, with the rule and the right place. */
export function forbiddenImports(sources: readonly Source[]): readonly string[] {
  const present = new Set(sources.map((source) => source.path));
  return sources.flatMap((source) => {
    const rule = ruleFor(source.path);
    if (rule === undefined)
      return [`${source.path} has no row in test/architecture/import-table.ts: move it, or give its folder a row`];
    return importsOf(source.text).flatMap((found) => {
      const problem = problemOf(source, rule, found, present);
      return problem === undefined ? [] : [`${source.path}:${found.line} imports ${found.specifier}: ${problem}`];
    });
  });
}

/** Circles of files that import each other while they are loaded (types and `import()` don't load), each once. */
export function importCircles(sources: readonly Source[]): readonly string[] {
  const graph = new Map(sources.map((source) => [source.path, loadedBy(source)]));
  const circles = new Map<string, string>();
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      const circle = trail.slice(start);
      circles.set([...circle].sort().join(), [...circle, path].join(" → "));
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return [...circles.values()];
}

function problemOf(source: Source, rule: ImportRule, found: Import, present: ReadonlySet<string>): string | undefined {
  const target = targetOf(source, found.specifier);
  if (target === undefined) return packageProblem(rule, found.specifier);
  if (!target.startsWith("src/")) return "src imports nothing outside src; move what it needs into src";
  if (!present.has(target)) return "there is no such file (the path is written in full, with .ts)";
  const inside = target.slice("src/".length);
  if ([rule.folder, ...rule.may, ...OPEN_TO_ALL].some((allowed) => covers(allowed, inside))) return undefined;
  return `${listing(rule)} (${rule.why}); ${rightPlace(rule, inside)}`;
}

function packageProblem(rule: ImportRule, specifier: string): string | undefined {
  const name = packageOf(specifier);
  if (rule.packages.includes(name)) return undefined;
  const homes = IMPORT_TABLE.filter((row) => row.packages.includes(name)).map((row) => `src/${row.folder}`);
  const place = homes.length === 0 ? "no folder may import it yet" : `it is imported in ${homes.join(", ")} only`;
  return `src/${rule.folder} may import ${rule.packages.join(", ") || "no package"}; ${place}`;
}

function listing(rule: ImportRule): string {
  return `src/${rule.folder} may import ${rule.may.join(", ") || "nothing of ours"}`;
}

/** The folders that may see both sides: that is where they can meet. */
function rightPlace(rule: ImportRule, target: string): string {
  const sees = (row: ImportRule, path: string): boolean =>
    [row.folder, ...row.may].some((allowed) => covers(allowed, path));
  const places = IMPORT_TABLE.filter((row) => row !== rule && sees(row, `${rule.folder}/x`) && sees(row, target));
  if (places.length === 0) return "they never meet in one process";
  return `they may meet in ${places.map((row) => `src/${row.folder}`).join(" or ")}`;
}

function ruleFor(path: string): ImportRule | undefined {
  const inside = path.slice("src/".length);
  return IMPORT_TABLE.filter((row) => covers(row.folder, inside)).sort((a, b) => b.folder.length - a.folder.length)[0];
}

function covers(allowed: string, path: string): boolean {
  return path === allowed || path.startsWith(`${allowed}/`);
}

function loadedBy(source: Source): readonly string[] {
  return importsOf(source.text)
    .filter((found) => found.kind === "value")
    .map((found) => targetOf(source, found.specifier))
    .filter((target) => target !== undefined);
}
