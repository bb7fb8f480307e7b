import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ErrorKind } from "../../src/base/errors.ts";

/** A kind of error and the file that declares it, such as `src/gateway/api/errors.ts`. */
export interface DeclaredError extends ErrorKind {
  readonly file: string;
}

const ROOT = join(import.meta.dirname, "..", "..");

/** Every error kind of the sources, by code. */
export async function declaredErrors(): Promise<readonly DeclaredError[]> {
  const names = await readdir(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  const files = names.map((name) => `src/${name.replaceAll("\\", "/")}`).filter(mayDeclare);
  const kinds = await Promise.all(files.map(kindsOf));
  return kinds.flat().sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** Where the house's rules (test/architecture.test.ts) let kinds be declared. */
function mayDeclare(path: string): boolean {
  return /[/-]errors\.ts$/.test(path) || path === "src/base/scope.ts";
}

async function kindsOf(file: string): Promise<readonly DeclaredError[]> {
  if (!/defineErrors\s*\(\{/.test(await readFile(join(ROOT, file), "utf8"))) return [];
  const exports = (await import(pathToFileURL(join(ROOT, file)).href)) as Record<string, unknown>;
  const tables = Object.values(exports).filter((value) => typeof value === "object" && value !== null);
  return tables
    .flatMap((table) => Object.values(table as object))
    .filter(isKind)
    .map((kind) => ({ ...kind, file }));
}

function isKind(value: unknown): value is ErrorKind {
  return typeof value === "object" && value !== null && "code" in value && "advice" in value && "retryable" in value;
}
