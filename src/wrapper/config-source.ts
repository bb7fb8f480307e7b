import { type Document, LineCounter, parseDocument, visit } from "yaml";
import { CodedError } from "../base/errors.ts";
import { exactNumber, isJsonObject, parseExact } from "../base/exact-json.ts";
import { yamlMistake } from "../base/yaml-mistake.ts";
import type { JsonObject } from "../protocol/messages.ts";
import { WRAPPER_ERRORS } from "./errors.ts";

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Reads a configuration from JSON or YAML text. Its messages quote nothing of the text. @throws CodedError ConfigUnreadable */
export function parseConfig(text: string): JsonObject {
  const value = fromJson(text) ?? fromYaml(text);
  if (!isJsonObject(value)) throw unreadable("it is not a mapping");
  return value as JsonObject;
}

function fromJson(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return undefined;
  }
}

function fromYaml(text: string): unknown {
  let mistake: string;
  try {
    const lineCounter = new LineCounter();
    const document = parseDocument(text, { prettyErrors: false, logLevel: "silent", merge: true, lineCounter });
    const [error] = document.errors;
    if (error === undefined) {
      keepNumbers(document);
      return parseExact(JSON.stringify(document.toJS() ?? null));
    }
    mistake = yamlMistake(error.code, lineCounter.linePos(error.pos[0]));
  } catch {
    mistake = "it is nested too deep, or its aliases can't be followed";
  }
  throw unreadable(`it is neither JSON nor YAML: ${mistake}`);
}

/** A number that is written as JSON would write it stays so; YAML's other spellings (`0x1f`, `.5`) mean their value. */
function keepNumbers(document: Document): void {
  visit(document, {
    Scalar(_key, scalar) {
      const { value, source } = scalar;
      if (typeof value !== "number" || source === undefined || !JSON_NUMBER.test(source)) return;
      scalar.value = exactNumber(source);
    },
  });
}

function unreadable(state: string): CodedError {
  return new CodedError(WRAPPER_ERRORS.ConfigUnreadable, `Cannot read the configuration: ${state}`);
}
