import { type Document, LineCounter, parseDocument } from "yaml";
import { yamlMistake } from "../base/yaml-mistake.ts";

/** A YAML text, read. Mistakes name the place and never quote the text: it may hold a token. */
export interface YamlText {
  readonly contents: Document["contents"];
  /** `line L, column C` of an offset. */
  at(offset: number): string;
  /** As plain values; empty where there is a mistake. */
  readonly value: unknown;
  /** Each begins with `line L, column C: `. */
  readonly mistakes: readonly string[];
}

/** More would be an attempt to fill the memory. */
const MOST_ALIASES = 100;

/** Reads a YAML text. Never throws. */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: "silent" });
  const { contents } = document;
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `line ${line}, column ${col}`;
  };
  const broken = document.errors.map(({ pos, code }) => yamlMistake(code, lines.linePos(pos[0])));
  if (broken.length > 0) return { contents, at, value: undefined, mistakes: broken };
  try {
    return { contents, at, value: document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown, mistakes: [] };
  } catch {
    return { contents, at, value: undefined, mistakes: [`${at(0)}: its aliases can't be followed`] };
  }
}
