import type { PodSettings } from "../options.ts";

/** What a pod is for: which program it starts, and which resources it has. */
export type KindOfWork = keyof PodSettings["command"];

/** Pipeline type of an automation such as a test connection (facts: collate-hybrid-runner §1.1, the documented type in pipeline configs). */
const AUTOMATION = "automation";

/** Pipeline type of an application that is run once and isn't deployed; a deployed one is a pipeline like any other. */
const APPLICATION_FLOW = "applicationflow";

/** The kind by pipeline type; upper and lower case are alike. */
export function kindOfWork(pipelineType: string): KindOfWork {
  const type = pipelineType.toLowerCase();
  if (type === AUTOMATION) return "automation";
  return type === APPLICATION_FLOW ? "application" : "pipeline";
}

/** Resources of the container: an automation has its own, everything else those of pipelines. */
export function resourcesOf(pods: PodSettings, kind: KindOfWork): PodSettings["resources"]["pipeline"] {
  return kind === "automation" ? pods.resources.automation : pods.resources.pipeline;
}
