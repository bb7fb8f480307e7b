import { CodedError } from "../base/errors.ts";
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

const PREFIX = "secret:";
const MAX_LENGTH = 2048;

/** One way to understand a reference: a whole secret, or one key of a secret that holds a JSON object. */
export interface Reading {
  readonly secretName: string;
  readonly key?: string;
}

/** True for every string that must be resolved and never reach a program as it is. */
export function isReference(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** All readings of a reference, in the order in which they are tried. @throws CodedError BadReference */
export function readingsOf(reference: string): readonly Reading[] {
  if (!isReference(reference)) throw bad(reference, `does not begin with ${PREFIX}`);
  if (reference.length > MAX_LENGTH) throw bad(reference, `is longer than ${MAX_LENGTH} characters`);
  const body = reference.slice(PREFIX.length);
  if (hasControlCharacter(body)) throw bad(reference, "holds a control character");
  if (!body.isWellFormed()) throw bad(reference, "holds half of a character");
  const hash = body.indexOf("#");
  const secretName = hash < 0 ? body : body.slice(0, hash);
  checkName(reference, secretName);
  if (hash >= 0) {
    const key = body.slice(hash + 1);
    if (key === "") throw bad(reference, "has no key behind #");
    return [{ secretName, key }];
  }
  return secretName.startsWith("arn:") ? [{ secretName }] : pathReadings(secretName);
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

function checkName(reference: string, name: string): void {
  if (name.trim() !== name) throw bad(reference, "begins or ends with white space");
  const segments = name.replace(/^\//, "").split("/");
  if (segments.some((segment) => segment === "")) throw bad(reference, "has an empty name or path segment");
  if (segments.some((segment) => segment === "." || segment === "..")) throw bad(reference, "has a segment . or ..");
}

/** C0, DEL and C1. */
function hasControlCharacter(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

/** How a reference is shown in messages: quoted when it could disturb a terminal, and never long. */
export function showReference(reference: string): string {
  const short = reference.length > 200 ? `${reference.slice(0, 200)}…` : reference;
  return /[\p{C}\p{Z}]/u.test(short) ? JSON.stringify(short).replace(/[\u007f-\u009f]/g, "?") : short;
}

function bad(reference: string, state: string): CodedError {
  return new CodedError(
    SECRET_ERRORS.BadReference,
    `Cannot read the secret reference ${showReference(reference)}: it ${state}`,
  );
}
