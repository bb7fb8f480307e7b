/*
 * Where the wrapper and its input are in an ingestion pod: what the manifests write down and what `hybrid-runner exec --pod`
 * finds there. The wrapper is the runner's executable with glibc's loader and its libraries beside it, so that it runs in an
 * image of any kind, whether that has glibc, musl or no libc at all. The loader is told the libraries' place by an argument,
 * not by LD_LIBRARY_PATH, so that the image's own LD_* variables reach the program as they are and nothing of ours does.
 */

/** Folder of the wrapper, the same in the runner's own image (for a whole image volume: its `subPath`) and in ingestion pods. */
export const WRAPPER_MOUNT_PATH = "/hybrid-runner";

/** With an image volume: the folder of the image that is mounted at `WRAPPER_MOUNT_PATH`. */
export const WRAPPER_IMAGE_SUB_PATH = "hybrid-runner";

/** The loader, under a name that is the same for every processor. */
export const LOADER_FILE = "ld.so";

/** The executable beside it. */
export const EXECUTABLE_FILE = "hybrid-runner";

/** Starts the executable of a folder that `install-wrapper` or the image has filled. */
export function wrapperCommand(folder: string): readonly string[] {
  return [`${folder}/${LOADER_FILE}`, "--library-path", folder, `${folder}/${EXECUTABLE_FILE}`];
}

/** Starts the wrapper in container `main`; what follows is `PROGRAM ARGUMENT…`. */
export const WRAPPER_COMMAND: readonly string[] = [...wrapperCommand(WRAPPER_MOUNT_PATH), "exec", "--pod", "--"];

/** Where the init container has the emptyDir; not at `WRAPPER_MOUNT_PATH`, which is the image's own folder there. */
export const INSTALL_PATH = "/wrapper";

/** Command of the init container, which runs the runner's image and copies the wrapper into the emptyDir at `INSTALL_PATH`. */
export const INSTALL_COMMAND: readonly string[] = [
  ...wrapperCommand(WRAPPER_MOUNT_PATH),
  "install-wrapper",
  INSTALL_PATH,
];

/** For the emptyDir's `sizeLimit` and the init container's `ephemeral-storage` request: 161 MB are copied. */
export const WRAPPER_VOLUME_SIZE = "256Mi";

/** Where the run's Secret or ConfigMap is mounted. */
export const CONFIG_MOUNT_PATH = "/hybrid-runner-config";

/** Data key of that Secret, and so the file's name. */
export const CONFIG_KEY = "config";

/**
 * Variables of container `main` that only the wrapper reads. Everything that begins with HYBRID_RUNNER_ is kept from the program.
 * Beside them it reads the pod contract's own: pipelineType, pipelineRunId, ingestionPipelineFQN.
 */
export const POD_VARIABLES = {
  /** Path of the configuration, JSON: `CONFIG_FILE_PATH`. */
  configFile: "HYBRID_RUNNER_POD_CONFIG_FILE",
  /** Settings of the secret store as JSON (src/secrets/settings.ts). No secrets in them. */
  secrets: "HYBRID_RUNNER_POD_SECRETS",
  /** Seconds from TERM to KILL for the program's group; 30 when absent. */
  graceSeconds: "HYBRID_RUNNER_POD_GRACE_SECONDS",
  /** Seconds that the program may take, when the wrapper shall end it before the Job's deadline does. */
  timeoutSeconds: "HYBRID_RUNNER_POD_TIMEOUT_SECONDS",
  /** Variables whose values are masked whatever their names say, with commas between. */
  maskedVariables: "HYBRID_RUNNER_POD_MASKED_VARIABLES",
  /** Where the end statement goes; `TERMINATION_LOG` when absent. */
  terminationLog: "HYBRID_RUNNER_POD_TERMINATION_LOG",
} as const;

/** Value of `POD_VARIABLES.configFile`. */
export const CONFIG_FILE_PATH: string = `${CONFIG_MOUNT_PATH}/${CONFIG_KEY}`;

/** The kubelet's default for `terminationMessagePath`; the container must keep it, and `terminationMessagePolicy: File`. */
export const TERMINATION_LOG = "/dev/termination-log";

/**
 * The pod's terminationGracePeriodSeconds must be larger than the grace the wrapper gives its program: otherwise the kubelet
 * kills the wrapper before it could kill the program, send the last output and leave its end statement.
 */
export const GRACE_MARGIN_SECONDS = 5;

/** terminationGracePeriodSeconds for a program's grace of so many milliseconds. */
export function podGraceSeconds(graceMs: number): number {
  return Math.ceil(graceMs / 1000) + GRACE_MARGIN_SECONDS;
}
