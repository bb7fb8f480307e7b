import { KUBERNETES_EXECUTOR_ERRORS } from "../errors.ts";
import type { Manifest } from "../template/materials.ts";
import { imageOfType } from "../template/pod-template.ts";

/** What an executor's check tells of images that don't fit the server. */
export interface ImageHealth {
  /** False when only single pipeline types have such an image. */
  readonly refusesAll: boolean;
  /** For people. */
  readonly message: string;
}

/** A pipeline type that no settings are made for. */
const ANY_TYPE = "";

/** Which runs would be refused for their image; undefined when none would. */
export function imageHealth(manifest: Manifest): ImageHealth | undefined {
  const { advice } = KUBERNETES_EXECUTOR_ERRORS.ImageVersionDiffers;
  const refusal = (pipelineType: string): string | undefined => {
    const image = imageOfType(manifest, pipelineType);
    return image === undefined ? undefined : manifest.images?.refusal(image);
  };
  const all = refusal(ANY_TYPE);
  if (all !== undefined) return { refusesAll: true, message: `${all}. ${advice}` };
  const types = Object.keys(manifest.options.pods.byPipelineType);
  const told = types.flatMap((type) => {
    const why = refusal(type);
    return why === undefined ? [] : [`Runs of type ${type} are refused: ${why}`];
  });
  return told.length === 0 ? undefined : { refusesAll: false, message: `${told.join(". ")}. ${advice}` };
}
