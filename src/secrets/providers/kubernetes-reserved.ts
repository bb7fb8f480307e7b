/*
 * Which Secrets of a namespace no reference may reach: those that Hybrid Runner makes (configurations of runs and pipelines, with
 * their bot tokens and variables), and those that somebody marks, such as the one with the runner's token.
 */

/** A Secret with this label, whatever its value, is never given to a run; for what people keep for the runner itself. */
export const RESERVED_LABEL = "hybrid-runner/reserved";

const MANAGED_BY = "app.kubernetes.io/managed-by";
const MANAGER = "hybrid-runner";
const OUR_NAME = /^hr-(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|anchor-|installation-)/;

/** True for a name that Hybrid Runner gives to objects of its own; no right is needed to know it. */
export function isOurName(name: string): boolean {
  return OUR_NAME.test(name);
}

/** True for the labels of a Secret that is not for runs. */
export function isReserved(labels: Readonly<Record<string, string>> = {}): boolean {
  return labels[MANAGED_BY] === MANAGER || Object.hasOwn(labels, RESERVED_LABEL);
}
