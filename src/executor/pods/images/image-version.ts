/*
 * The version in an image's tag against the server's, and the image for a server's version. No document says what the two
 * switches of the product compare (facts: collate-hybrid-runner §1.1), so this is decided here, after what OpenMetadata's server does with
 * its own clients: the first two numbers must be equal (facts: openmetadata-contract §1.2, validServerClientVersions).
 * Both need the server's version, which the gateway tells in `welcome`; ingestion-images.ts asks them for every pod.
 */

/** What the comparison comes to. */
export type VersionVerdict =
  /** The first two numbers are equal. */
  | { readonly verdict: "fits" }
  /** Told as a warning: there is nothing to compare. */
  | { readonly verdict: "unknown"; readonly reason: string }
  /** A reason to refuse runs, unless INGESTION_DISABLE_VERSION_VALIDATION is set: then it is a warning. */
  | { readonly verdict: "differs"; readonly reason: string };

/** An image's name in its parts. */
interface ImageName {
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** Three numbers, and what some releases have behind them: 1.13.3, 1.13.3.2. */
const VERSION = /(?<![\d.])(\d+)\.(\d+)\.\d+(?:\.\d+)*/;

/** The version in a tag such as `1.13.3`, or OpenMetadata's in one such as `om-1.13.3-cl-1.13.3`. */
export function imageVersion(image: string): string | undefined {
  const { tag = "" } = partsOf(image);
  return (VERSION.exec(/(?:^|-)om-([^-]+)/.exec(tag)?.[1] ?? tag) ?? [])[0];
}

/** Compares the ingestion image with the server. */
export function judgeImageVersion(image: string, serverVersion: string): VersionVerdict {
  const version = imageVersion(image);
  if (version === undefined) return { verdict: "unknown", reason: "the ingestion image's tag holds no version" };
  const [ours, theirs] = [majorMinor(version), majorMinor(serverVersion)];
  if (theirs === undefined) return { verdict: "unknown", reason: "the server's version is unreadable" };
  if (ours === theirs) return { verdict: "fits" };
  return { verdict: "differs", reason: `the ingestion image is of ${version}, the server of ${serverVersion}` };
}

/** The image for a server's version: each version in the tag is replaced by it. */
export function imageForServer(
  image: string,
  serverVersion: string,
): { readonly image: string; readonly reason?: never } | { readonly image?: never; readonly reason: string } {
  const { repository, tag, digest } = partsOf(image);
  const wanted = VERSION.exec(serverVersion)?.[0];
  if (wanted === undefined) return { reason: "the server's version is unreadable" };
  if (digest !== undefined) return { reason: "the ingestion image is named by its digest, which is of one version" };
  if (tag === undefined || !VERSION.test(tag)) return { reason: "the ingestion image's tag holds no version" };
  return { image: `${repository}:${tag.replace(new RegExp(VERSION, "g"), wanted)}` };
}

function majorMinor(version: string): string | undefined {
  const [, major, minor] = VERSION.exec(version) ?? [];
  return major === undefined ? undefined : `${major}.${minor}`;
}

/** A colon before the last slash belongs to the registry's port. */
function partsOf(image: string): ImageName {
  const [name = "", digest] = image.split("@");
  const colon = name.indexOf(":", name.lastIndexOf("/"));
  return {
    repository: colon < 0 ? name : name.slice(0, colon),
    ...(colon < 0 ? {} : { tag: name.slice(colon + 1) }),
    ...(digest === undefined ? {} : { digest }),
  };
}
