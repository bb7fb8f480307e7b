import { CodedError } from "../../../base/errors.ts";
import type {
  Container,
  PodSpec,
  PodTemplate,
  ResourceRequirements,
  Volume,
  VolumeMount,
} from "../../../kubernetes/objects.ts";
import { KUBERNETES_EXECUTOR_ERRORS } from "../errors.ts";
import { LABELS } from "../labels.ts";
import type { PodSettings } from "../options.ts";
import { programCommand, type WrapperParts, wrapperParts } from "../wrapper/wrapper-delivery.ts";
import { MORE_MEMORY, tooLittleMemory } from "../wrapper/wrapper-memory.ts";
import { CONFIG_KEY, CONFIG_MOUNT_PATH, podGraceSeconds, TERMINATION_LOG } from "../wrapper/wrapper-place.ts";
import { environmentOf } from "./environment.ts";
import { kindOfWork, resourcesOf } from "./kinds-of-work.ts";
import type { Manifest, PodOrder } from "./materials.ts";
import { merged, type Part } from "./merge.ts";
import { CONFIG_VOLUME, MAIN, TEMPORARY_PATH, TEMPORARY_VOLUME } from "./pod-names.ts";
import { CONFIG_MODE, containerSecurity, podSecurity } from "./security.ts";

const OWN_LABELS: readonly string[] = Object.values(LABELS);

/**
 * The pods of a run: settings first, then the custom workflow file, the custom container file, and what is set for this
 * pipeline type; and in the end what none of them may change.
 * @throws CodedError PodUnworkable where the wrapper couldn't live in it
 */
export function podTemplate(m: Manifest, order: PodOrder): PodTemplate {
  const { pods, graceMs } = m.options;
  const { containers: [main, ...beside] = [], ...custom } = customSpec(m, order.work.pipelineType);
  const ours = oursOf(m, order, main ?? { name: MAIN });
  const wrapper = ours.wrapper;
  const spec: PodSpec = {
    ...custom,
    restartPolicy: "Never",
    terminationGracePeriodSeconds: podGraceSeconds(graceMs),
    ...filled("initContainers", [...wrapper.initContainers, ...(custom.initContainers ?? [])]),
    containers: [ours.main, ...beside],
    ...filled("volumes", [...ours.volumes, ...wrapper.volumes, ...(custom.volumes ?? [])]),
  };
  return {
    metadata: { labels: { ...foreign(pods.labels), ...order.labels }, ...filledMap("annotations", pods.annotations) },
    spec,
  };
}

/** The image that pods of this pipeline type have by all settings, before the server's version has a say. */
export function imageOfType(m: Manifest, pipelineType: string): string | undefined {
  return customSpec(m, pipelineType).containers[0]?.image;
}

/** The image of container `main` in a template of ours. */
export function imageOfMain({ spec }: PodTemplate): string | undefined {
  return spec.containers.find(({ name }) => name === MAIN)?.image;
}

/** What the settings say, as a pod's specification; container `main` is the first one. */
function customSpec(m: Manifest, pipelineType: string): PodSpec {
  const { pods } = m.options;
  const kind = kindOfWork(pipelineType);
  const { resources, ...ofType } = pods.byPipelineType[pipelineType.toLowerCase()] ?? {};
  const layers: readonly Part[] = [
    pods.podSpec ?? {},
    { containers: [{ ...pods.container, name: MAIN }] },
    ofType,
    { containers: [{ name: MAIN, ...(resources === undefined ? {} : { resources }) }] },
  ];
  const fromSettings: Part = {
    ...optional("serviceAccountName", pods.serviceAccountName),
    automountServiceAccountToken: pods.automountServiceAccountToken,
    // Otherwise every Service of the namespace would put seven variables beside those of the contract.
    enableServiceLinks: false,
    ...filled(
      "imagePullSecrets",
      pods.imagePullSecrets.map((name) => ({ name })),
    ),
    securityContext: podSecurity(pods),
    ...filledMap("nodeSelector", pods.nodeSelector),
    ...filled("tolerations", pods.tolerations),
    ...optional("affinity", pods.affinity),
    ...optional("priorityClassName", pods.priorityClassName),
    containers: [mainFromSettings(pods, resourcesOf(pods, kind))],
  };
  return layers.reduce(merged, fromSettings) as Part & PodSpec;
}

function mainFromSettings(pods: PodSettings, resources: ResourceRequirements): Part {
  return {
    name: MAIN,
    image: pods.image,
    ...optional("imagePullPolicy", pods.imagePullPolicy),
    ...filledMap("resources", { ...resources }),
    securityContext: containerSecurity(pods.readOnlyRootFilesystem),
  };
}

/** What can't be changed: command, contract, configuration, wrapper. */
function oursOf(
  m: Manifest,
  order: PodOrder,
  custom: Container,
): { readonly main: Container; readonly volumes: readonly Volume[]; readonly wrapper: WrapperParts } {
  const { pods, secretsMode } = m.options;
  const wrapper = wrapperParts(m, custom);
  const wrapped = secretsMode === "wrapper";
  const lack = wrapped ? tooLittleMemory(custom) : undefined;
  if (lack !== undefined)
    throw new CodedError(KUBERNETES_EXECUTOR_ERRORS.PodUnworkable, `Cannot make the pod: ${lack}`, {
      advice: MORE_MEMORY,
    });
  const temporary = needsTemporaryVolume(custom);
  const { name, image, imagePullPolicy, env, command: _, args: __, volumeMounts, ...rest } = custom;
  const mounts: readonly VolumeMount[] = [
    ...(wrapped ? [{ name: CONFIG_VOLUME, mountPath: CONFIG_MOUNT_PATH, readOnly: true }] : []),
    ...wrapper.mounts,
    ...(temporary ? [{ name: TEMPORARY_VOLUME, mountPath: TEMPORARY_PATH }] : []),
    ...(volumeMounts ?? []),
  ];
  const main: Container = {
    name,
    ...optional("image", image === undefined ? undefined : (m.images?.choose(image) ?? image)),
    ...optional("imagePullPolicy", imagePullPolicy),
    command: programCommand(secretsMode, pods.command[kindOfWork(order.work.pipelineType)]),
    env: environmentOf(m, order, env ?? []),
    ...rest,
    ...filled("volumeMounts", mounts),
    terminationMessagePath: TERMINATION_LOG,
    // The other policy would copy the end of an unmasked log into the pod's status.
    terminationMessagePolicy: "File",
  };
  const volumes: readonly Volume[] = [
    ...(wrapped ? [configVolume(m, order.configName)] : []),
    ...(temporary ? [{ name: TEMPORARY_VOLUME, emptyDir: {} }] : []),
  ];
  return { main, volumes, wrapper };
}

/** Only the configuration: the extra variables in the same object stay out of the container's files. */
function configVolume({ configIn }: Manifest, name: string): Volume {
  const items = [{ key: CONFIG_KEY, path: CONFIG_KEY }];
  return configIn === "secret"
    ? { name: CONFIG_VOLUME, secret: { secretName: name, items, defaultMode: CONFIG_MODE } }
    : { name: CONFIG_VOLUME, configMap: { name, items, defaultMode: CONFIG_MODE } };
}

/** True when nothing else can be written to and nobody has put something at /tmp. */
function needsTemporaryVolume({ securityContext, volumeMounts = [] }: Container): boolean {
  const taken = volumeMounts.some((mount) => mount.mountPath.replace(/\/+$/, "") === TEMPORARY_PATH);
  return securityContext?.["readOnlyRootFilesystem"] === true && !taken;
}

/** Labels without those that runs are found by. */
function foreign(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !OWN_LABELS.includes(name)));
}

function optional(name: string, value: unknown): Part {
  return value === undefined ? {} : { [name]: value };
}

function filled(name: string, list: readonly unknown[]): Part {
  return list.length === 0 ? {} : { [name]: list };
}

function filledMap(name: string, map: Part): Part {
  return Object.keys(map).length === 0 ? {} : { [name]: map };
}
