import { clip } from "../base/clip.ts";
import { CodedError } from "../base/errors.ts";
import { isReference, referenceBody, referenceMistake } from "../base/secret-reference.ts";
import { SECRET_ERRORS } from "./errors.ts";

/*
 * The rule for what a reference means. After the prefix `secret:` (taken off once) there is a name; it is tried in this order,
 * and the first reading that exists in the store wins:
 *
 *   name#key      the value of `key` in the JSON object stored under exactly `name`, and nothing else
 *   arn:…         the secret of exactly this name; it is never split at its slashes (use `arn:…#key` for a key)
 *   otherwise     1. the secret `name` as it is written
 *                 2. the secret `name` without its leading slash
 *                 3. the part behind the last slash as a key of the JSON object stored under the part before it
 *                 4. the same without the leading slash
 *
 * What "exists" means when a store denies or can't be reached is written in resolver.ts.
 */

export { isReference };

/** One way to understand a reference: a whole secret, or one key of a secret that holds a JSON object. */
export interface Reading {
  readonly secretName: string;
  readonly key?: string;
}

/** All readings of a reference, in the order in which they are tried. @throws CodedError BadReference */
export function readingsOf(reference: string): readonly Reading[] {
  const mistake = referenceMistake(reference);
  if (mistake !== undefined) throw bad(reference, mistake);
  const body = referenceBody(reference);
  const hash = body.indexOf("#");
  if (hash >= 0) return [{ secretName: body.slice(0, hash), key: body.slice(hash + 1) }];
  return body.startsWith("arn:") ? [{ secretName: body }] : pathReadings(body);
}

function pathReadings(path: string): readonly Reading[] {
  const bare = path.replace(/^\//, "");
  const names = bare === path ? [path] : [path, bare];
  const readings: Reading[] = names.map((secretName) => ({ secretName }));
  for (const name of names) {
    const slash = name.lastIndexOf("/");
    if (slash > 0) readings.push({ secretName: name.slice(0, slash), key: name.slice(slash + 1) });
  }
  return readings;
}

/** How a reference is shown in messages: quoted when it could disturb a terminal, and never long. */
export function showReference(reference: string): string {
  const short = clip(reference, 201);
  return /[\p{C}\p{Z}]/u.test(short) ? JSON.stringify(short).replace(/[\u007f-\u009f]/g, "?") : short;
}

function bad(reference: string, state: string): CodedError {
  return new CodedError(
    SECRET_ERRORS.BadReference,
    `Cannot read the secret reference ${showReference(reference)}: it ${state}`,
  );
}
