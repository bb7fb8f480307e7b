import { sha256Hex } from "../../runtime/crypto.ts";

/*
 * Names derive from ids, so that a create that meets its own object is recognised, and no two things share one.
 * Limits: 63 characters for a Job (its name becomes a label of its pods) and for a label's value, 52 for a CronJob
 * (the controller adds eleven), 253 for others (https://kubernetes.io/docs/concepts/overview/working-with-objects/names/).
 */

const PREFIX = "hr";
const HASH_LENGTH = 10;

/** Job of one attempt of a run, and its Secret or ConfigMap. 39 characters, and two more or three for a later attempt. */
export function runObjectName(runId: string, attempt: number): string {
  return attempt === 1 ? `${PREFIX}-${runId}` : `${PREFIX}-${runId}-${attempt}`;
}

/** CronJob of a pipeline, and its Secret or ConfigMap: 39 characters. */
export function pipelineObjectName(pipelineId: string): string {
  return `${PREFIX}-${pipelineId}`;
}

/** The pipeline that an object with such a name belongs to, whatever its labels say; undefined for another name. */
export function pipelineIdIn(objectName: string): string | undefined {
  return objectName.startsWith(`${PREFIX}-`) ? objectName.slice(PREFIX.length + 1) : undefined;
}

/** The object that owns the schedules of one runner. */
export function anchorName(runnerId: string): string {
  return dnsLabel(`${PREFIX}-anchor-${runnerId}`, 63);
}

/** The object that names the installation of one runner. */
export function installationName(runnerId: string): string {
  return dnsLabel(`${PREFIX}-installation-${runnerId}`, 63);
}

/** A value for a label that stands for a text of any kind: itself where it may, otherwise its readable part and a hash. */
export function labelValue(text: string): string {
  return /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/.test(text) ? text : dnsLabel(text, 63);
}

/** A DNS label made of a text: as it is where it may be, otherwise its readable part, cut, and a hash of the whole. */
export function dnsLabel(text: string, limit: number): string {
  if (text.length <= limit && /^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(text)) return text;
  const readable = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, limit - HASH_LENGTH - 1)
    .replace(/-+$/, "");
  const hash = sha256Hex(text).slice(0, HASH_LENGTH);
  return `${readable === "" ? PREFIX : readable}-${hash}`;
}
