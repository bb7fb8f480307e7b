import type { VolumeMount } from "../../../src/kubernetes/objects.ts";

/*
 * Containers have a file system of their own; local processes share this machine's. So paths are translated: each mount path
 * that stands in `command`, `args` or a literal environment value is replaced by the real directory of its volume, and so is
 * /dev/termination-log. Values that come from Secrets or ConfigMaps stay as they are, and a mount of /tmp is not translated
 * but told by TMPDIR, since paths of tests stand below /tmp.
 */

/** Replaces a container's paths by those of this machine. */
export type TranslatePaths = (text: string) => string;

/** One translation: a path of the container and where it is here. */
export interface PathPair {
  readonly inside: string;
  readonly outside: string;
}

/** Pairs for a container's mounts; `directoryOf` says where a volume is. */
export function pathPairs(
  mounts: readonly VolumeMount[],
  directoryOf: (volume: string) => string | undefined,
): readonly PathPair[] {
  return mounts.flatMap(({ mountPath, name, subPath }) => {
    const directory = directoryOf(name);
    if (directory === undefined) return [];
    return [
      { inside: mountPath.replace(/\/+$/, ""), outside: subPath === undefined ? directory : `${directory}/${subPath}` },
    ];
  });
}

/** Translates by pairs, the longest path first, whole path components only. */
export function translator(pairs: readonly PathPair[]): TranslatePaths {
  const used = pairs
    .filter(({ inside }) => inside !== "/tmp" && inside !== "")
    .sort((a, b) => b.inside.length - a.inside.length);
  if (used.length === 0) return (text) => text;
  const any = used.map(({ inside }) => inside.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  const pattern = new RegExp(`(?<![\\w.\\-/])(${any})(?![\\w.\\-])`, "g");
  const outside = new Map(used.map((pair) => [pair.inside, pair.outside]));
  return (text) => text.replace(pattern, (path) => outside.get(path) ?? path);
}
