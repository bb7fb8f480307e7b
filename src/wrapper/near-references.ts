import { isExactNumber } from "../base/exact-json.ts";
import { nearReference } from "../base/secret-reference.ts";
import type { Json } from "../protocol/messages.ts";

const MAX_TOLD = 10;
const MAX_DEPTH = 100;

/** A line for each string that looks like a reference to a secret and isn't one, by its place and never by its text. */
export function nearReferencesIn(tree: Json): readonly string[] {
  const found: string[] = [];
  const visit = (node: Json, path: readonly string[]): void => {
    if (typeof node === "string") {
      const mistake = nearReference(node);
      if (mistake === undefined) return;
      found.push(`${path.join(".")} looks like a reference to a secret and is used as it stands: it ${mistake}`);
    } else if (typeof node === "object" && node !== null && !isExactNumber(node) && path.length < MAX_DEPTH) {
      for (const [key, child] of Object.entries(node)) visit(child, [...path, key]);
    }
  };
  visit(tree, []);
  if (found.length <= MAX_TOLD) return found;
  return [...found.slice(0, MAX_TOLD), `and ${found.length - MAX_TOLD} more look like references and aren't`];
}
