import { posix } from "node:path";
import type { Source } from "./source-tree.ts";
import { type Token, tokenize } from "./tokens.ts";

/** One import as written: `import`, `import type`, `export … from` or `import()`. */
export interface Import {
  readonly specifier: string;
  readonly kind: "value" | "type" | "dynamic";
  readonly line: number;
}

/** Every import of a text. */
export function importsOf(text: string): readonly Import[] {
  const tokens = tokenize(text);
  const found: Import[] = [];
  tokens.forEach((token, at) => {
    if (token.kind !== "word" || isSign(tokens[at - 1], ".")) return;
    if (token.text === "import") found.push(...importAt(tokens, at));
    if (token.text === "export") found.push(...exportAt(tokens, at));
  });
  return found;
}

/** The file in the repository that a relative import means; undefined for a package or a built-in. */
export function targetOf(source: Source, specifier: string): string | undefined {
  return specifier.startsWith(".") ? posix.join(posix.dirname(source.path), specifier) : undefined;
}

/** The package of an import: `@hono/node-server/serve` is of `@hono/node-server`; every built-in of Node is `node:*`. */
export function packageOf(specifier: string): string {
  if (specifier.startsWith("node:")) return "node:*";
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function importAt(tokens: readonly Token[], at: number): readonly Import[] {
  const [next, after] = [tokens[at + 1], tokens[at + 2]];
  if (isSign(next, "(")) return after === undefined ? [] : one(after, "dynamic");
  if (next?.kind === "string") return one(next, "value");
  return fromAt(tokens, at + 1, kindAt(next, after));
}

function exportAt(tokens: readonly Token[], at: number): readonly Import[] {
  const [next, after] = [tokens[at + 1], tokens[at + 2]];
  const isType = next?.text === "type";
  const list = isType ? after : next;
  if (!isSign(list, "{") && !isSign(list, "*")) return [];
  return fromAt(tokens, at + 1, isType ? "type" : "value");
}

/** `import type X from` and `import type { X } from` are types; `import type from` is a value named so. */
function kindAt(next: Token | undefined, after: Token | undefined): "type" | "value" {
  return next?.text === "type" && after?.text !== "from" && !isSign(after, ",") ? "type" : "value";
}

/** The string after the `from` that ends this clause; none when the statement has no such clause. */
function fromAt(tokens: readonly Token[], start: number, kind: "type" | "value"): readonly Import[] {
  for (let at = start; at < tokens.length; at++) {
    const [token, next] = [tokens[at], tokens[at + 1]];
    if (token === undefined || isSign(token, ";") || isSign(token, "=") || isSign(token, "(")) return [];
    if (token.kind === "word" && token.text === "from" && next?.kind === "string") return one(next, kind);
    if (isSign(token, "}") && next?.text !== "from") return [];
  }
  return [];
}

function one(token: Token, kind: Import["kind"]): readonly Import[] {
  // A computed import can't be checked: it shows as what it is and is refused by the table.
  const specifier = token.kind === "string" ? token.text : `(computed: ${token.text})`;
  return [{ specifier, kind, line: token.line }];
}

function isSign(token: Token | undefined, text: string): boolean {
  return token?.kind === "sign" && token.text === text;
}
