import { errorCode } from "../base/errors.ts";
import { type PathKind, pathKind, readRegularFile } from "./regular-file.ts";

/** The text of a file that a person has named; or why there is none, completing "<path>: it …", with the system's error if there was one. */
export type NamedFile =
  | { readonly text: string; readonly state?: never; readonly kind?: never; readonly cause?: never }
  | { readonly text?: never; readonly state: string; readonly kind: PathKind; readonly cause?: unknown };

/** Beyond every configuration, key and certificate. */
const MOST_BYTES = 16 * 1_048_576;

const STATES: Readonly<Record<PathKind, string>> = {
  missing: "is not there",
  directory: "is a directory, and no file",
  other: "is a pipe or a device, and no file",
  file: "was taken away while it was read",
};

/** Reads a file that a setting names. Never throws, and never waits: a pipe may give nothing for ever, and a device never ends. */
export async function readNamedFile(path: string): Promise<NamedFile> {
  try {
    const bytes = await readRegularFile(path, MOST_BYTES + 1);
    const kind = bytes === undefined ? await pathKind(path) : "file";
    if (bytes === undefined) return { state: STATES[kind], kind };
    if (bytes.length > MOST_BYTES) return { state: `is larger than ${MOST_BYTES} bytes`, kind };
    return { text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) };
  } catch (cause) {
    return { state: `can't be read (${errorCode(cause) ?? "unknown"})`, kind: "other", cause };
  }
}
