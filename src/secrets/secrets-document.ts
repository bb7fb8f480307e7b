import { LineCounter, parseDocument } from "yaml";
import { isJsonObject } from "../base/exact-json.ts";
import { yamlMistake } from "../base/yaml-mistake.ts";
import { ownValue, parseJson, textOf } from "./json.ts";

/** What a document says about one secret. `state` completes "<file> …" and quotes nothing of the document. */
export type DocumentAnswer =
  | { readonly kind: "found"; readonly text: string }
  | { readonly kind: "missing" }
  | { readonly kind: "broken"; readonly state: string };

/** A JSON or YAML mapping of secrets, parsed again only when its text has changed. */
export interface SecretsDocument {
  /**
   * Looks a secret up: an entry of exactly this name, the name without or with a leading slash, then nested mappings
   * walked by the path's segments. Strings are given as they are, numbers as they are written, mappings and lists as JSON text;
   * an entry without a value (null) counts as missing.
   */
  find(documentText: string, secretName: string): DocumentAnswer;
  /** Drops what was parsed. */
  forget(): void;
}

interface Parsed {
  readonly typed: Readonly<Record<string, unknown>>;
  /** The same document with every scalar as it is written, so that 007 and 1.10 stay themselves. */
  readonly written: unknown;
}

type Outcome = Parsed | { readonly state: string };

/** Makes an empty cache for one document. */
export function createSecretsDocument(): SecretsDocument {
  let lastText: string | undefined;
  let last: Outcome | undefined;
  return {
    find(documentText, secretName) {
      if (last === undefined || documentText !== lastText) {
        last = parse(documentText);
        lastText = documentText;
      }
      if ("state" in last) return { kind: "broken", state: last.state };
      for (const path of pathsOf(secretName)) {
        const value = walk(last.typed, path);
        const text =
          typeof value === "number" || typeof value === "boolean"
            ? textOf(walk(last.written, path) ?? value)
            : textOf(value);
        if (text !== undefined) return { kind: "found", text };
      }
      return { kind: "missing" };
    },
    forget() {
      lastText = undefined;
      last = undefined;
    },
  };
}

function pathsOf(secretName: string): readonly (readonly string[])[] {
  const bare = secretName.replace(/^\//, "");
  return [[secretName], [bare], [`/${bare}`], bare.split("/")];
}

function walk(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const segment of path) {
    if (!isJsonObject(value)) return undefined;
    value = ownValue(value, segment);
  }
  return value;
}

function parse(text: string): Outcome {
  const json = parseJson(text);
  if (isJsonObject(json)) return { typed: json, written: json };
  return json === undefined ? parseYaml(text) : { state: "is not a mapping" };
}

/** The parser's own messages quote lines of the document, so only the place of a mistake is told. */
function parseYaml(text: string): Outcome {
  try {
    const lineCounter = new LineCounter();
    const document = parseDocument(text, { prettyErrors: false, logLevel: "silent", lineCounter });
    const mistake = document.errors[0];
    if (mistake !== undefined) {
      const told = yamlMistake(mistake.code, lineCounter.linePos(mistake.pos[0]));
      return { state: `is neither JSON nor YAML: ${told}` };
    }
    const typed: unknown = document.toJS();
    if (!isJsonObject(typed)) return { state: "is not a mapping" };
    const written: unknown = parseDocument(text, {
      schema: "failsafe",
      prettyErrors: false,
      logLevel: "silent",
    }).toJS();
    return { typed, written };
  } catch {
    return { state: "is neither JSON nor YAML" };
  }
}
