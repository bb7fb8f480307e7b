import type { Source } from "./source-tree.ts";
import { type Token, tokenize } from "./tokens.ts";

const RUNTIME_GLOBALS = new Set(["process", "Buffer", "Deno", "require", "__dirname", "__filename", "console"]);
const RUNTIME_PLACE = "only src/runtime knows Node or Deno; ask a function there (or rename your own parameter)";

const TIME_CALLS = new Set(["Date.now", "Math.random", "performance.now"]);
const TIMERS = new Set(["setTimeout", "setInterval", "setImmediate"]);
const TIME_PLACE = "only src/base/clock.ts knows time and chance; take a Clock and call it";

const MOST_LINES = 300;
const FORBIDDEN_NAMES = new Set(["utils", "util", "helpers", "helper", "common", "misc", "index"]);
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** Uses of what only the runtime folder may touch: `process`, `Buffer`, `Deno`, `import.meta`, a global console … */
export function runtimeGlobals(sources: readonly Source[]): readonly string[] {
  return sources
    .filter((source) => !source.path.startsWith("src/runtime/"))
    .flatMap((source) =>
      findTokens(source, (tokens, at) => {
        if (isText(tokens[at], "import") && isText(tokens[at + 1], ".")) return "import.meta";
        return RUNTIME_GLOBALS.has(tokens[at]?.text ?? "") && isGlobalUse(tokens, at) ? tokens[at]?.text : undefined;
      }).map(({ what, line }) => `${source.path}:${line} uses ${what}: ${RUNTIME_PLACE}`),
    );
}

/** Uses of the world's clock, timers or chance outside src/base/clock.ts. */
export function timeAndChance(sources: readonly Source[]): readonly string[] {
  return sources
    .filter((source) => source.path !== "src/base/clock.ts")
    .flatMap((source) =>
      findTokens(source, (tokens, at) => {
        const [first, second, third, fourth] = tokens.slice(at, at + 4);
        const call = `${first?.text}${second?.text}${third?.text}`;
        if (TIME_CALLS.has(call) && !isText(tokens[at - 1], ".")) return call;
        if (TIMERS.has(first?.text ?? "") && isText(second, "(") && isGlobalUse(tokens, at)) return first?.text;
        if (call === "AbortSignal.timeout") return call;
        const now = isText(first, "new") && isText(second, "Date") && isText(third, "(") && isText(fourth, ")");
        return now ? "new Date()" : undefined;
      }).map(({ what, line }) => `${source.path}:${line} uses ${what}: ${TIME_PLACE}`),
    );
}

/** Messages of `new CodedError(kind, message)` that break the form "Cannot <act> <thing>: <state>". */
export function errorMessages(sources: readonly Source[]): readonly string[] {
  return sources.flatMap((source) =>
    findTokens(source, (tokens, at) => {
      if (!isText(tokens[at], "new") || !isText(tokens[at + 1], "CodedError")) return undefined;
      const message = secondArgument(tokens, at + 2);
      if (message === undefined || (message.kind !== "string" && message.kind !== "template")) return undefined;
      if (!/^Cannot \S/.test(message.text)) return `doesn't start with "Cannot ": ${message.text}`;
      return message.text.endsWith(".") ? `ends with a full stop: ${message.text}` : undefined;
    }).map(({ what, line }) => `${source.path}:${line} an error message ${what}`),
  );
}

/** Texts that are cut by hand, which may leave half a character. */
export function handmadeCuts(sources: readonly Source[]): readonly string[] {
  return sources
    .filter((source) => source.path !== "src/base/clip.ts")
    .flatMap((source) =>
      source.text.split("\n").flatMap((line, at) => {
        const cuts = /\.slice\(0,[^`]*\}…/.test(line) || /\bsubstr(ing)?\(0/.test(line);
        return cuts
          ? [`${source.path}:${at + 1} cuts a text by hand: clip in src/base/clip.ts never splits a character`]
          : [];
      }),
    );
}

/** Files that grew too long. `generated` ones are as long as they are. */
export function longFiles(sources: readonly Source[], generated: ReadonlySet<string>): readonly string[] {
  return sources
    .filter((source) => !generated.has(source.path))
    .map((source) => ({ path: source.path, lines: source.text.replace(/\n$/, "").split("\n").length }))
    .filter(({ lines }) => lines > MOST_LINES)
    .map(({ path, lines }) => `${path} has ${lines} lines: at most ${MOST_LINES}; a file does one thing, so split it`);
}

/** Names of files and folders that aren't kebab-case, or say nothing of what is inside. */
export function badNames(paths: readonly string[]): readonly string[] {
  return [...new Set(paths.flatMap(namesOf))].flatMap((named) => {
    const name = named.slice(named.lastIndexOf("/") + 1);
    if (FORBIDDEN_NAMES.has(name)) return [`${named}: the name says nothing; name it for the one thing it does`];
    return KEBAB_CASE.test(name) ? [] : [`${named}: names are in kebab-case`];
  });
}

/** Files that declare error kinds with `defineErrors`. */
export function errorDeclarations(sources: readonly Source[]): readonly string[] {
  const declares = (source: Source): boolean =>
    findTokens(source, (tokens, at) => {
      const called = isText(tokens[at], "defineErrors") && isText(tokens[at + 1], "(");
      return called && !isText(tokens[at - 1], "function") ? "it" : undefined;
    }).length > 0;
  return sources.filter(declares).map((source) => source.path);
}

/** `a/b/c-d.test.ts` as the paths of its folders and of the file without its extensions. */
function namesOf(path: string): readonly string[] {
  const parts = path.split("/");
  return parts.map((_, at) =>
    at < parts.length - 1 ? parts.slice(0, at + 1).join("/") : path.replace(/(\.(test|contract|d))?\.(ts|mjs)$/, ""),
  );
}

/** True unless the name is a member (`x.process`) or a key (`process: 1`); `globalThis.process` is a use. */
function isGlobalUse(tokens: readonly Token[], at: number): boolean {
  const [before, after] = [tokens[at - 1], tokens[at + 1]];
  if (isText(before, ".") || isText(before, "?.")) return isText(tokens[at - 2], "globalThis");
  if (isText(after, ":") && ["{", ",", ";", "readonly"].includes(before?.text ?? "")) return false;
  if (isText(after, "?") && isText(tokens[at + 2], ":")) return false;
  return !isDeclaredHere(tokens, at);
}

/** True when a `const` or `let` of this block, or of one around it, gives the name another meaning. */
function isDeclaredHere(tokens: readonly Token[], at: number): boolean {
  let depth = 0;
  for (let before = at; before > 0; before--) {
    if (isText(tokens[before], "}")) depth++;
    if (isText(tokens[before], "{")) depth = Math.max(0, depth - 1);
    const declares = isText(tokens[before - 1], "const") || isText(tokens[before - 1], "let");
    if (depth === 0 && declares && tokens[before]?.text === tokens[at]?.text) return true;
  }
  return false;
}

/** First token of the second argument of the call whose `(` is at `open`. */
function secondArgument(tokens: readonly Token[], open: number): Token | undefined {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    const text = tokens[at]?.kind === "sign" ? tokens[at]?.text : undefined;
    if (text === "(" || text === "[" || text === "{") depth++;
    if (text === ")" || text === "]" || text === "}") depth--;
    if (depth === 0) return undefined;
    if (depth === 1 && text === ",") return tokens[at + 1];
  }
  return undefined;
}

function findTokens(
  source: Source,
  find: (tokens: readonly Token[], at: number) => string | undefined,
): readonly { what: string; line: number }[] {
  const tokens = tokenize(source.text);
  return tokens.flatMap((token, at) => {
    const what = token.kind === "word" ? find(tokens, at) : undefined;
    return what === undefined ? [] : [{ what, line: token.line }];
  });
}

/** True for a word or sign of this text; a string that reads the same is not it. */
function isText(token: Token | undefined, text: string): boolean {
  return token !== undefined && (token.kind === "word" || token.kind === "sign") && token.text === text;
}
