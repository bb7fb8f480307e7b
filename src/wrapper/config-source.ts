import { parseDocument } from "yaml";
import { CodedError } from "../base/errors.ts";
import type { JsonObject } from "../protocol/messages.ts";
import { WRAPPER_ERRORS } from "./errors.ts";

/** Reads a configuration from JSON or YAML text. Its messages quote nothing of the text. @throws CodedError ConfigUnreadable */
export function parseConfig(text: string): JsonObject {
  const value = fromJson(text) ?? fromYaml(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw unreadable("it is not a mapping");
  return value as JsonObject;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fromYaml(text: string): unknown {
  let mistake: string | undefined;
  try {
    const document = parseDocument(text, { prettyErrors: false, logLevel: "silent", merge: true });
    mistake = document.errors[0]?.code;
    if (mistake === undefined) return JSON.parse(JSON.stringify(document.toJS() ?? null));
  } catch {
    mistake = "TOO_COMPLEX";
  }
  throw unreadable(`it is neither JSON nor YAML (${mistake})`);
}

function unreadable(state: string): CodedError {
  return new CodedError(WRAPPER_ERRORS.ConfigUnreadable, `Cannot read the configuration: ${state}`);
}
