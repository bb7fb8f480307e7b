import type { PodSettings } from "../options.ts";

/*
 * What the Pod Security standard "restricted" asks for (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
 *
 * The user is written out. `runAsNonRoot` alone is refused by the kubelet for an image whose user has a name or none, and
 * OpenMetadata's own images are of both kinds: its image for containers is built for the user `openmetadata`, which is 1000,
 * and OpenMetadata's own Kubernetes client runs it as 1000 in group 1000. Without a number (the setting says `image`), the
 * image's own user counts, or the one that OpenShift chooses from the namespace's range.
 *
 * There is no fsGroup: OpenShift refuses one outside of the namespace's range, and nothing here needs it. The configuration is
 * mounted readable for whoever runs in container `main` and into no other container; emptyDirs are open to all users; the
 * service account's token is readable for the user that is named here, or for all of the container's when none is.
 */

/** Octal 444: readable for any user of the container it is mounted into. */
export const CONFIG_MODE = 0o444;

/** For the pod as a whole. */
export function podSecurity({ runAsUser }: Pick<PodSettings, "runAsUser">): Readonly<Record<string, unknown>> {
  return {
    runAsNonRoot: true,
    ...(runAsUser === undefined ? {} : { runAsUser, runAsGroup: runAsUser }),
    seccompProfile: { type: "RuntimeDefault" },
  };
}

/** For one container. */
export function containerSecurity(readOnlyRootFilesystem: boolean): Readonly<Record<string, unknown>> {
  return {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    readOnlyRootFilesystem,
  };
}
