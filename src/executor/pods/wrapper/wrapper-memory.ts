import { quantityNumber } from "../../../base/quantity.ts";
import type { Container } from "../../../kubernetes/objects.ts";

/**
 * The least memory limit that a container with the wrapper is started with: measured, the wrapper has begun within a second there.
 * With 56Mi it takes 7 s, with 48Mi 23 s, and with 32Mi the kernel reads the same pages of the executable again and again for ever.
 */
export const WRAPPER_MEMORY = "64Mi";

/** Why the wrapper can't live in this container; undefined when it can. */
export function tooLittleMemory({ name, resources }: Container): string | undefined {
  const limit = resources?.limits?.["memory"];
  if (limit === undefined || !(quantityNumber(limit) < quantityNumber(WRAPPER_MEMORY))) return undefined;
  return `the memory limit ${limit} of container ${name} is less than the ${WRAPPER_MEMORY} that the wrapper alone needs`;
}

/** What to do about it. */
export const MORE_MEMORY =
  "Raise the memory limit of the ingestion pods to what the program takes, and 64Mi more for the wrapper; it may come from the settings, the pipeline type or a LimitRange of the namespace";
