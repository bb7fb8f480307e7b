/*
 * Which strings of a configuration are references to secrets, which were meant to be, and what is wrong with one. In this
 * folder, because whoever registers a configuration and whoever resolves it must agree. What a reference means is written in
 * secrets/reference.ts.
 */

const PREFIX = "secret:";
/** At the end of a reference: an empty secret is meant to be one. */
const EMPTY_ALLOWED = "?empty=allowed";
const MAX_LENGTH = 2048;

/** True for every string that must be resolved and never reach a program as it is. */
export function isReference(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** What stands behind the prefix, which is taken off once, and before the permission to be empty. */
export function referenceBody(reference: string): string {
  const end = allowsEmpty(reference) ? -EMPTY_ALLOWED.length : undefined;
  return reference.slice(PREFIX.length, end);
}

/** True when the secret may be empty, which is a fault otherwise. */
export function allowsEmpty(reference: string): boolean {
  return reference.endsWith(EMPTY_ALLOWED);
}

/** Why a string can't be read as a reference, completing "it …"; undefined for a good one. The string is not repeated. */
export function referenceMistake(reference: string): string | undefined {
  if (!isReference(reference)) return `does not begin with ${PREFIX}`;
  if (reference.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`;
  const body = referenceBody(reference);
  // C0, DEL and C1.
  if (/\p{Cc}/u.test(body)) return "holds a control character";
  if (!body.isWellFormed()) return "holds half of a character";
  const hash = body.indexOf("#");
  const name = hash < 0 ? body : body.slice(0, hash);
  if (name.trim() !== name) return "begins or ends with white space";
  const segments = name.replace(/^\//, "").split("/");
  if (segments.some((segment) => segment === "")) return "has an empty name or path segment";
  if (segments.some((segment) => segment === "." || segment === "..")) return "has a segment . or ..";
  return hash === body.length - 1 ? "has no key behind #" : undefined;
}

/**
 * Why a string that looks like a reference isn't one and is used as it stands, completing "it …"; undefined for a reference and
 * for what doesn't look like one. The string is not repeated: what isn't a reference may be a secret itself.
 */
export function nearReference(text: string): string | undefined {
  if (isReference(text)) return undefined;
  // With a path or a bare name behind it; "Secret: don't tell" is prose.
  if (/^[\s"'`]*secrets?\s*:\s*(?:\/|[^\s/]+\s*$)/i.test(text)) {
    if (/^\s+secret:/.test(text)) return `has white space before ${PREFIX}`;
    if (/^secret:/i.test(text)) return `does not write ${PREFIX} in small letters`;
    return `does not begin with exactly ${PREFIX}`;
  }
  if (/(?<![a-z0-9])secrets?:\/(?!\/)/i.test(text))
    return `has ${PREFIX} inside, and only a whole string can be a reference`;
  return undefined;
}
