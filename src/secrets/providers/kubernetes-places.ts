/*
 * Which Secret and which of its data keys a name means. A Secret's name allows no slash, so a path is mapped: the leading slash
 * is dropped, upper case becomes lower case, every other character that a Secret's name can't hold becomes `-`, and the
 * segments are joined by `-`. Keys stay as they are. In this order, the first place that exists wins:
 *
 *   name          data key `value` of Secret `name`
 *   /a/b/c        1. data key `value` of Secret `a-b-c`
 *                 2. data key `c` of Secret `a-b`
 *   name#key      data key `key` of Secret `name`, where `name` may be a path
 *
 * A key of a JSON object inside of `value` comes after these (reference.ts). `value` and `-` are what OpenMetadata's own
 * provider for Kubernetes uses (facts: openmetadata-contract §6.2, §6.3). Names that differ only in what is mapped share a Secret.
 */

/** One data key of one Secret. */
export interface SecretPlace {
  readonly name: string;
  readonly key: string;
}

const WHOLE = "value";
const LONGEST_NAME = 253;

/** Where a secret may be, in the order in which it is looked for; empty when no Secret can have such a name. */
export function placesOf(secretName: string): readonly SecretPlace[] {
  const hash = secretName.indexOf("#");
  const segments = (hash < 0 ? secretName : secretName.slice(0, hash)).replace(/^\//, "").split("/");
  if (hash >= 0) return possible([{ name: nameOf(segments), key: secretName.slice(hash + 1) }]);
  const places = [{ name: nameOf(segments), key: WHOLE }];
  if (segments.length > 1) places.push({ name: nameOf(segments.slice(0, -1)), key: segments.at(-1) ?? "" });
  return possible(places);
}

function nameOf(segments: readonly string[]): string {
  return segments.map((segment) => segment.toLowerCase().replace(/[^a-z0-9.-]/gu, "-")).join("-");
}

/** DNS subdomains, and keys as a Secret's data takes them (https://kubernetes.io/docs/concepts/configuration/secret/). */
function possible(places: readonly SecretPlace[]): readonly SecretPlace[] {
  return places.filter(({ name, key }) => {
    const named = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(name);
    return named && name.length <= LONGEST_NAME && /^[A-Za-z0-9._-]{1,253}$/.test(key);
  });
}
