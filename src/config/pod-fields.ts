/*
 * Fields of Kubernetes' API (1.34) that parameter files and pipeline type settings may have, and those that are the runner's own.
 * An unknown field is refused: the API server would only drop it, and nobody would see why it has no effect.
 */

/** What may be set of a part, and what may not, with what to do instead. */
export interface FieldRules {
  readonly known: readonly string[];
  readonly own: Readonly<Record<string, string>>;
}

const COMMAND_ADVICE = "use INGESTION_COMMAND";
const TERMINATION_ADVICE = "it carries how a run ended";
const ONE_POD_ADVICE = "a run is one pod that is never restarted";

/** Container `main`. */
export const CONTAINER_FIELDS: FieldRules = {
  known: [
    "env",
    "envFrom",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "name",
    "ports",
    "readinessProbe",
    "resizePolicy",
    "resources",
    "securityContext",
    "startupProbe",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
  ],
  own: {
    command: COMMAND_ADVICE,
    args: COMMAND_ADVICE,
    restartPolicy: ONE_POD_ADVICE,
    restartPolicyRules: ONE_POD_ADVICE,
    terminationMessagePath: TERMINATION_ADVICE,
    terminationMessagePolicy: TERMINATION_ADVICE,
    stdin: "nobody writes to it",
    stdinOnce: "nobody writes to it",
    tty: "it would change the log",
  },
};

/** The pod. */
export const POD_FIELDS: FieldRules = {
  known: [
    "affinity",
    "automountServiceAccountToken",
    "containers",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostUsers",
    "hostname",
    "hostnameOverride",
    "imagePullSecrets",
    "initContainers",
    "nodeName",
    "nodeSelector",
    "os",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "resourceClaims",
    "resources",
    "runtimeClassName",
    "schedulerName",
    "schedulingGates",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "setHostnameAsFQDN",
    "shareProcessNamespace",
    "subdomain",
    "tolerations",
    "topologySpreadConstraints",
    "volumes",
  ],
  own: {
    restartPolicy: ONE_POD_ADVICE,
    activeDeadlineSeconds: "use the pipeline's timeout",
    terminationGracePeriodSeconds: "use STOP_GRACE_SECONDS",
    ephemeralContainers: "Kubernetes takes them for living pods only",
  },
};
