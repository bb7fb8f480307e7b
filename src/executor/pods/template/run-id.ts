import type { EnvVar, PodTemplate } from "../../../kubernetes/objects.ts";
import { LABELS } from "../labels.ts";
import { MAIN } from "./pod-names.ts";

/** Variable of the pod contract that tells the program its run. */
export const RUN_ID_VARIABLE = "pipelineRunId";

/** Where a pod that a CronJob's Job made finds its run's id: the UID of that Job, which the Job controller writes on the pod. */
export const RUN_ID_OF_JOB: Omit<EnvVar, "name"> = {
  valueFrom: { fieldRef: { fieldPath: `metadata.labels['${LABELS.jobUid}']` } },
};

/** Labels of the Job controller, which it writes itself on what it makes; a copy of them would be refused. */
const OF_THE_CONTROLLER = /^(?:batch\.kubernetes\.io\/)?(?:controller-uid|job-name)$/;

/** The pods of a later attempt: those of the earlier one, with the run's id written out. */
export function retryTemplate(
  template: PodTemplate,
  runId: string,
  labels: Readonly<Record<string, string>>,
): PodTemplate {
  const before = Object.entries(template.metadata?.labels ?? {}).filter(([name]) => !OF_THE_CONTROLLER.test(name));
  const named = (variable: EnvVar): EnvVar =>
    variable.name === RUN_ID_VARIABLE ? { name: RUN_ID_VARIABLE, value: runId } : variable;
  return {
    metadata: { ...template.metadata, labels: { ...Object.fromEntries(before), ...labels } },
    spec: {
      ...template.spec,
      containers: template.spec.containers.map((container) =>
        container.name === MAIN ? { ...container, env: (container.env ?? []).map(named) } : container,
      ),
    },
  };
}
