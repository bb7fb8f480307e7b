import { CodedError, describeError, errorCode, isKind } from "../../base/errors.ts";
import { createExclusively, directoryOf, makeDirectory } from "../../runtime/files.ts";
import { readNamedFile } from "../../runtime/named-file.ts";
import { directoryAdvice } from "../directory-lock.ts";
import { AUTH_ERRORS } from "./errors.ts";

const OTHER_USER = "Run it as the user that the gateway runs as: the file is for nobody else";

/**
 * The text of a file that only its owner may read (mode 0600). When there is none, `make` gives the text of a new one;
 * of several processes that start at once, one makes it and all use that one.
 * @throws CodedError KeyFileUnusable
 */
export async function readOrMakeSecretFile(path: string, make: () => string | Promise<string>): Promise<string> {
  try {
    const present = await readNamedFile(path);
    if (present.text !== undefined) return present.text;
    if (present.cause !== undefined) throw present.cause;
    if (present.kind !== "missing") throw notAFile(path, present.state);
    await makeDirectory(directoryOf(path));
    await createExclusively(path, await make(), 0o600);
    return (await readNamedFile(path)).text ?? "";
  } catch (cause) {
    if (isKind(cause, AUTH_ERRORS.KeyFileUnusable)) throw cause;
    const state = `it can't be read or made (${describeError(cause)})`;
    throw new CodedError(AUTH_ERRORS.KeyFileUnusable, `Cannot use ${path}: ${state}`, {
      cause,
      advice: errorCode(cause) === "EACCES" ? OTHER_USER : directoryAdvice(cause),
    });
  }
}

function notAFile(path: string, state: string): CodedError {
  return new CodedError(AUTH_ERRORS.KeyFileUnusable, `Cannot use ${path}: it ${state}`, {
    advice: "Name a file, or a place where one can be made",
  });
}
