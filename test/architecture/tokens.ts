/**
 * A piece of TypeScript: a word, a string's content, a template's text (a hole is written as a dollar sign and braces, and what
 * stands in it follows as tokens of its own), a regular expression, or a sign. Comments are left out.
 */
export interface Token {
  readonly kind: "word" | "string" | "template" | "regexp" | "sign";
  readonly text: string;
  /** Line in the file, from 1. */
  readonly line: number;
}

const HOLE = "$" + "{}";
const WORD = /[\p{ID_Start}$_#0-9][\p{ID_Continue}$]*/uy;
const SIGN = /\?\.(?![0-9])|\.\.\.|=>|[^\s]/uy;
const SPACE = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const STRING = /"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'/y;
const REGEXP = /\/(?![*/])(?:[^\\/[\n]|\\.|\[(?:[^\\\]\n]|\\.)*\])+\/[a-z]*/y;
const BEFORE_REGEXP = new Set(["return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "await"]);

/** Cuts TypeScript into tokens, well enough to find imports, names and messages; types aren't understood. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const lines = lineCounter(text);
  let at = 0;

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const add = (kind: Token["kind"], content: string, start: number): void => {
    tokens.push({ kind, text: content, line: lines(start) });
  };
  const template = (): void => {
    const [start, place] = [at, tokens.length];
    at++;
    let content = "";
    while (at < text.length && text[at] !== "`") {
      if (text[at] === "$" && text[at + 1] === "{") {
        at += 2;
        content += HOLE;
        code(true);
      } else {
        const length = text[at] === "\\" ? 2 : 1;
        content += text.slice(at, at + length);
        at += length;
      }
    }
    at++;
    tokens.splice(place, 0, { kind: "template", text: content, line: lines(start) });
  };
  /** Reads until the end, or in a hole until its closing brace. */
  const code = (inHole: boolean): void => {
    let depth = 0;
    while (at < text.length) {
      if (take(SPACE) !== undefined) continue;
      const start = at;
      if (text[at] === "`") {
        template();
        continue;
      }
      const string = take(STRING);
      if (string !== undefined) {
        add("string", string.slice(1, -1), start);
        continue;
      }
      const regexp = regexpMayFollow(tokens.at(-1)) ? take(REGEXP) : undefined;
      if (regexp !== undefined) {
        add("regexp", regexp, start);
        continue;
      }
      const word = take(WORD);
      if (word !== undefined) {
        add("word", word, start);
        continue;
      }
      const sign = take(SIGN) ?? "";
      if (sign === "{") depth++;
      if (sign === "}" && depth-- === 0 && inHole) return;
      add("sign", sign, start);
    }
  };

  code(false);
  return tokens;
}

function regexpMayFollow(before: Token | undefined): boolean {
  if (before === undefined) return true;
  if (before.kind === "word") return BEFORE_REGEXP.has(before.text);
  return before.kind === "sign" && ![")", "]", "}"].includes(before.text);
}

function lineCounter(text: string): (index: number) => number {
  let [line, from] = [1, 0];
  return (index) => {
    if (index < from) [line, from] = [1, 0];
    for (let at = from; at < index; at++) if (text.charCodeAt(at) === 10) line++;
    from = index;
    return line;
  };
}
