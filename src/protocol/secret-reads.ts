import { mappingOf, type Shape, whole } from "../base/shape.ts";
import { BOUNDS } from "./bounds.ts";

/** How a read of a secret store may end. What was answered from memory is no read. */
export const SECRET_READ_RESULTS = ["found", "notFound", "denied", "unreachable", "throttled", "malformed"] as const;
export type SecretReadResult = (typeof SECRET_READ_RESULTS)[number];

/** How often secret stores were read for one run: by the store's name, then by `SecretReadResult`. */
export type SecretReads = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Shape of the counts as a run's wrapper leaves them. */
export const secretReadsShape: Shape<SecretReads> = mappingOf(mappingOf(whole(BOUNDS.count)));
