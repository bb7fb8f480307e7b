import { isJsonObject } from "../../base/exact-json.ts";
import type { Json } from "../../protocol/messages.ts";

/** What becomes of a value by a JSON merge patch (RFC 7396): objects are merged field by field, null removes, all else replaces. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const fields = new Map<string, Json>(isJsonObject(target) ? (Object.entries(target) as [string, Json][]) : []);
  for (const [name, value] of Object.entries(patch) as [string, Json][]) {
    if (value === null) fields.delete(name);
    else fields.set(name, mergePatch(fields.get(name), value));
  }
  return Object.fromEntries(fields);
}
