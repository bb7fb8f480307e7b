import type { z } from "zod";
import { plainWords } from "../../protocol/plain-words.ts";

/** By field: what to do instead of changing it. */
export type FixedFields = Readonly<Record<string, string>>;

const OWN = "the gateway sets it, leave it out";
const PIPELINE_ANEW = "leave it out, or make the pipeline anew (POST /api/v1/pipelines) and delete this one";
const SERVICE_ANEW = "leave it out, or make the service anew (POST /api/v1/services) with its pipelines";

/** What a pipeline has and a patch can't change. */
export const FIXED_OF_PIPELINE: FixedFields = {
  name: PIPELINE_ANEW,
  serviceId: PIPELINE_ANEW,
  pipelineType: PIPELINE_ANEW,
  runnerId: `it is that of its service: ${SERVICE_ANEW}`,
  enabled: "ask POST /api/v1/pipelines/{pipelineId}/toggle",
  deployed: "ask POST /api/v1/pipelines/{pipelineId}/deploy",
  deletedAt: "ask DELETE /api/v1/pipelines/{pipelineId}",
  pipelineId: OWN,
  fullyQualifiedName: OWN,
  generation: OWN,
  hash: OWN,
  createdAt: OWN,
  updatedAt: OWN,
  warnings: OWN,
};

/** What a service has and a patch can't change. */
export const FIXED_OF_SERVICE: FixedFields = {
  name: SERVICE_ANEW,
  runnerId: SERVICE_ANEW,
  serviceId: OWN,
  createdAt: OWN,
  warnings: OWN,
};

/** Words for fields that are refused because they can't be changed; what is no such field keeps the usual ones. For zod's option `error`. */
export function cannotBeChanged(fixed: FixedFields): z.core.$ZodErrorMap {
  return (issue) => {
    if (issue.code !== "unrecognized_keys") return undefined;
    const known = issue.keys.filter((key) => Object.hasOwn(fixed, key));
    if (known.length === 0) return undefined;
    const others = issue.keys.filter((key) => !known.includes(key));
    const told = known.map((key) => `${key} can't be changed: ${fixed[key]}`);
    return [...told, ...(others.length === 0 ? [] : [plainWords({ ...issue, keys: others })])].join("; ");
  };
}
