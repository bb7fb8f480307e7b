import type { PipelineBody } from "../../../protocol/messages.ts";
import type { Manifest } from "../template/materials.ts";
import { imageOfType } from "../template/pod-template.ts";

/**
 * A schedule that would start runs with an image that doesn't fit the server is not taken: nobody would be there to be told
 * when it fires. A pipeline that is switched off or runs on demand is, because its runs are refused when they are ordered.
 * @throws CodedError ImageVersionDiffers
 */
export function admitImage(manifest: Manifest, { pipelineType, schedule, enabled, name }: PipelineBody): void {
  if (schedule === undefined || !enabled) return;
  const act = `deploy the schedule of ${JSON.stringify(name)}`;
  manifest.images?.admit(imageOfType(manifest, pipelineType), act);
}
