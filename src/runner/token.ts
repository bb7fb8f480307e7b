import { CodedError } from "../base/errors.ts";
import { Sensitive } from "../base/sensitive.ts";
import type { Settings } from "../config/settings.ts";
import { readTextIfExists } from "../runtime/files.ts";
import { RUNNER_ERRORS } from "./errors.ts";

/** Gives the token of each dial; a file is read again every time, so a rotated token needs no restart. */
export function tokenSource(settings: Pick<Settings, "authToken" | "authTokenFile">): () => Promise<Sensitive> {
  const { authToken, authTokenFile } = settings;
  return async () => {
    if (authToken !== undefined) return authToken;
    const token = authTokenFile === undefined ? "" : ((await readToken(authTokenFile)) ?? "").trim();
    if (token !== "") return new Sensitive(token);
    throw new CodedError(RUNNER_ERRORS.TokenUnreadable, `Cannot read the token: ${authTokenFile} is missing or empty`);
  };
}

async function readToken(path: string): Promise<string | undefined> {
  try {
    return await readTextIfExists(path);
  } catch (cause) {
    throw new CodedError(RUNNER_ERRORS.TokenUnreadable, `Cannot read the token: ${path} can't be read`, { cause });
  }
}
