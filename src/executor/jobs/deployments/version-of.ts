import type { KubernetesObject } from "../../../kubernetes/objects.ts";
import { BOUNDS, isWithin } from "../../../protocol/bounds.ts";
import type { PipelineKey } from "../../../protocol/messages.ts";
import { ANNOTATIONS } from "../../pods/labels.ts";
import { pipelineIdIn } from "../../pods/names.ts";

/** Which version of which pipeline an object is; undefined when it doesn't say. */
export function versionOf({ metadata }: KubernetesObject): PipelineKey | undefined {
  const pipelineId = pipelineIdIn(metadata.name);
  const hash = metadata.annotations?.[ANNOTATIONS.hash];
  const generation = Number(metadata.annotations?.[ANNOTATIONS.generation]);
  if (pipelineId === undefined || hash === undefined || !isWithin(BOUNDS.generation, generation)) return undefined;
  return { pipelineId, generation, hash };
}
