import type { EnvVar } from "../../../kubernetes/objects.ts";
import { CONFIG_FILE_PATH, CONFIG_KEY, POD_VARIABLES } from "../wrapper/wrapper-place.ts";
import { literal } from "./literal.ts";
import type { Manifest, PodOrder } from "./materials.ts";
import { nativeVariables } from "./native-mode.ts";
import { RUN_ID_VARIABLE } from "./run-id.ts";

const MILLISECONDS = 1000;

/**
 * Variables of container `main`: the pod contract's (facts: openmetadata-contract §4.1), the wrapper's, then those of the
 * settings, then those of the parameter files. A variable of ours can't be replaced; of the others the later one counts.
 */
export function environmentOf(m: Manifest, order: PodOrder, custom: readonly EnvVar[]): readonly EnvVar[] {
  const { extraEnvironment } = m.options.pods;
  const extra = Object.keys(extraEnvironment).map((name) => ({ name, valueFrom: fromConfigObject(m, order, name) }));
  const ours = [...contract(order), ...ofMode(m, order)];
  const variables = new Map<string, EnvVar>();
  for (const variable of [...ours, ...defaultsOfMode(m), ...extra, ...custom, ...ours])
    variables.set(variable.name, variable);
  return [...variables.values()];
}

function contract({ work, runId }: PodOrder): readonly EnvVar[] {
  return [
    { name: "pipelineType", value: literal(work.pipelineType) },
    { name: RUN_ID_VARIABLE, ...runId },
    { name: "ingestionPipelineFQN", value: literal(work.fullyQualifiedName) },
  ];
}

/** How the configuration gets to the program. */
function ofMode(m: Manifest, order: PodOrder): readonly EnvVar[] {
  const { secretsMode, secrets, graceMs, pods } = m.options;
  const masked = pods.maskedVariables ?? [];
  if (secretsMode === "native") return [{ name: CONFIG_KEY, valueFrom: fromConfigObject(m, order, CONFIG_KEY) }];
  return [
    { name: POD_VARIABLES.configFile, value: CONFIG_FILE_PATH },
    { name: POD_VARIABLES.secrets, value: literal(JSON.stringify(secrets)) },
    { name: POD_VARIABLES.graceSeconds, value: String(graceMs / MILLISECONDS) },
    ...(masked.length === 0 ? [] : [{ name: POD_VARIABLES.maskedVariables, value: masked.join(",") }]),
  ];
}

function defaultsOfMode(m: Manifest): readonly EnvVar[] {
  const { secretsMode, secrets, namespace } = m.options;
  return secretsMode === "native" ? nativeVariables(secrets, namespace) : [];
}

function fromConfigObject(
  { configIn }: Manifest,
  { configName: name }: PodOrder,
  key: string,
): NonNullable<EnvVar["valueFrom"]> {
  return configIn === "secret" ? { secretKeyRef: { name, key } } : { configMapKeyRef: { name, key } };
}
