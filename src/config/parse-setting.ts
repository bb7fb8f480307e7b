import { clip } from "../base/clip.ts";
import { jsonMistake } from "../base/json-mistake.ts";
import { nestingDepth } from "../base/nesting.ts";

/** What is needed of a settings table's row to read a text. */
export interface Parsing<T> {
  /** @throws Error whose message completes "must be …" */
  readonly parse: (text: string) => T;
  /** Truthy: neither the text nor a part of it may be shown. */
  readonly secret?: unknown;
}

/**
 * Reads the text of a setting. What is wrong goes to `problems` as "<name> must be …, found …"; of a secret only how long it is.
 * Quotes around a text are told too: Docker's env files and systemd's units keep some, and a path or address with them names another thing.
 */
export function parseSetting<T>(
  found: { readonly name: string; readonly text: string },
  row: Parsing<T>,
  problems: string[],
): T | undefined {
  try {
    const quote = /^\s*(["'`])[\s\S]*\1\s*$/.exec(found.text)?.[1];
    if (quote !== undefined) throw new Error(`without the ${quote} around it`);
    if (isTooDeep(found.text)) throw new Error(`at most ${MOST_LEVELS} levels deep`);
    return row.parse(found.text);
  } catch (error) {
    problems.push(`${found.name} must be ${(error as Error).message}; found ${foundText(found.text, row.secret)}`);
    return undefined;
  }
}

/** Of lists and mappings; what is deeper can be read and not written again. */
const MOST_LEVELS = 100;

function isTooDeep(text: string): boolean {
  return /^\s*[[{]/.test(text) && nestingDepth(text) > MOST_LEVELS;
}

/** Longer texts are cut: the beginning tells enough. */
const SHOWN = 60;
/** As JSON Web Tokens and the tokens of most services look: long, without a blank, with letters and digits. */
const LIKE_A_TOKEN = /^(?=.*[A-Za-z])(?=.*\d)[\w.~+/=-]{32,}$/;

function foundText(text: string, secret: unknown): string {
  if (secret || LIKE_A_TOKEN.test(text.trim())) return `${text.length} characters`;
  if (/^\s*[[{]/.test(text)) return `${text.length} characters${jsonState(text)}`;
  // A user and a password in an address, in whatever setting it was put by mistake.
  const open = text.replaceAll(/(:\/\/)[^/\s]*@/g, "$1[redacted]@");
  return JSON.stringify(clip(open, SHOWN));
}

/** Lists and mappings may hold anything, so no part of them is told. */
function jsonState(text: string): string {
  const mistake = jsonMistake(text);
  return mistake === undefined ? " of JSON" : ` that are no JSON: ${mistake}`;
}
