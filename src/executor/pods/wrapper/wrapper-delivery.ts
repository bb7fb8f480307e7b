import type { Container, ResourceRequirements, Volume, VolumeMount } from "../../../kubernetes/objects.ts";
import type { SecretsMode } from "../options.ts";
import { literal } from "../template/literal.ts";
import type { Manifest } from "../template/materials.ts";
import { WRAPPER_VOLUME } from "../template/pod-names.ts";
import { containerSecurity } from "../template/security.ts";
import {
  INSTALL_COMMAND,
  INSTALL_PATH,
  WRAPPER_COMMAND,
  WRAPPER_IMAGE_SUB_PATH,
  WRAPPER_MOUNT_PATH,
  WRAPPER_VOLUME_SIZE,
} from "./wrapper-place.ts";

/** What brings the wrapper into the pod; empty in the mode `native`. */
export interface WrapperParts {
  readonly volumes: readonly Volume[];
  readonly mounts: readonly VolumeMount[];
  readonly initContainers: readonly Container[];
}

/** The program's own command, behind the wrapper's where that one resolves the secrets; every word arrives as it is here. */
export function programCommand(mode: SecretsMode, program: readonly string[]): readonly string[] {
  return (mode === "wrapper" ? [...WRAPPER_COMMAND, ...program] : program).map(literal);
}

/** Volume, mount and init container. The init container takes what `main` has, of which the scheduler counts the larger. */
export function wrapperParts({ options, delivery }: Manifest, main: Container): WrapperParts {
  if (options.secretsMode === "native") return { volumes: [], mounts: [], initContainers: [] };
  const pullPolicy = options.pods.imagePullPolicy;
  const mount: VolumeMount = { name: WRAPPER_VOLUME, mountPath: WRAPPER_MOUNT_PATH, readOnly: true };
  if (delivery === "imageVolume") {
    const image = { reference: options.wrapperImage, ...(pullPolicy === undefined ? {} : { pullPolicy }) };
    return {
      volumes: [{ name: WRAPPER_VOLUME, image }],
      mounts: [{ ...mount, subPath: WRAPPER_IMAGE_SUB_PATH }],
      initContainers: [],
    };
  }
  const install: Container = {
    name: WRAPPER_VOLUME,
    image: options.wrapperImage,
    ...(pullPolicy === undefined ? {} : { imagePullPolicy: pullPolicy }),
    command: INSTALL_COMMAND,
    resources: withVolume(main.resources ?? {}),
    securityContext: containerSecurity(true),
    volumeMounts: [{ name: WRAPPER_VOLUME, mountPath: INSTALL_PATH }],
  };
  return {
    volumes: [{ name: WRAPPER_VOLUME, emptyDir: { sizeLimit: WRAPPER_VOLUME_SIZE } }],
    mounts: [mount],
    initContainers: [install],
  };
}

/** Requests the node's disk for the copy, so that a pod isn't sent where it would be evicted for it. */
function withVolume({ requests, limits }: ResourceRequirements): ResourceRequirements {
  const asked = { "ephemeral-storage": limits?.["ephemeral-storage"] ?? WRAPPER_VOLUME_SIZE, ...requests };
  return { requests: asked, ...(limits === undefined ? {} : { limits }) };
}
