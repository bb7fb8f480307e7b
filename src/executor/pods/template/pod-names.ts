/** The container that does the work: its exit code is the run's (facts: openmetadata-contract §3.2). */
export const MAIN = "main";

/** Volume with the configuration. Names and paths that begin like this one are ours. */
export const CONFIG_VOLUME = "hybrid-runner-config";

/** Volume with the wrapper, and the init container that fills it. */
export const WRAPPER_VOLUME = "hybrid-runner-wrapper";

/** Volume for what may be written, where the root file system may not. */
export const TEMPORARY_VOLUME = "hybrid-runner-tmp";

/** Where that one is. */
export const TEMPORARY_PATH = "/tmp";
