import { CodedError, errorCode } from "../base/errors.ts";
import { Sensitive } from "../base/sensitive.ts";
import type { Settings } from "../config/settings.ts";
import { tokenMistake } from "../config/token-shape.ts";
import { pathKind, readRegularFile } from "../runtime/regular-file.ts";
import { RUNNER_ERRORS } from "./errors.ts";

/** Tokens are a few kilobytes at most; a larger file is another one. */
const MAX_TOKEN_BYTES = 65_536;

/** Gives the token of each dial; a file is read again every time, so a rotated token needs no restart. */
export function tokenSource(settings: Pick<Settings, "authToken" | "authTokenFile">): () => Promise<Sensitive> {
  const { authToken, authTokenFile } = settings;
  return async () => authToken ?? readToken(authTokenFile ?? "");
}

async function readToken(path: string): Promise<Sensitive> {
  const text = new TextDecoder().decode(await readFile(path));
  if (text.trim() === "") throw unreadable(`${path} is empty`);
  if (text.length > MAX_TOKEN_BYTES) throw unreadable(`${path} is larger than any token`);
  const mistake = tokenMistake(text);
  if (mistake === undefined) return new Sensitive(text.trim());
  throw new CodedError(RUNNER_ERRORS.TokenUnusable, `Cannot use the token: what ${path} holds must be ${mistake}`);
}

/** A pipe would give its token once only, and may keep whoever reads it waiting. */
async function readFile(path: string): Promise<Uint8Array> {
  try {
    const bytes = await readRegularFile(path, MAX_TOKEN_BYTES + 1);
    if (bytes !== undefined) return bytes;
    const kind = await pathKind(path);
    throw unreadable(`${path} is ${kind === "other" ? "neither a file nor a directory" : KINDS[kind]}`);
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw unreadable(`${path} can't be read (${errorCode(cause) ?? "unknown"})`, cause);
  }
}

const KINDS = { missing: "missing", directory: "a directory", file: "missing" } as const;

function unreadable(state: string, cause?: unknown): CodedError {
  return new CodedError(RUNNER_ERRORS.TokenUnreadable, `Cannot read the token: ${state}`, { cause });
}
