import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds of the wrapper. */
export const WRAPPER_ERRORS: {
  readonly ConfigTooLarge: ErrorKind<"ConfigTooLarge">;
  readonly ConfigFileFailed: ErrorKind<"ConfigFileFailed">;
  readonly ConfigUnreadable: ErrorKind<"ConfigUnreadable">;
  readonly BadCommand: ErrorKind<"BadCommand">;
  readonly BadVariable: ErrorKind<"BadVariable">;
  readonly BadPodSettings: ErrorKind<"BadPodSettings">;
  readonly InstallFailed: ErrorKind<"InstallFailed">;
} = defineErrors({
  ConfigTooLarge: {
    retryable: false,
    advice: "Put {config} into the ingestion command: it stands for a file with the configuration",
  },
  ConfigFileFailed: {
    retryable: true,
    advice: "Make room in /dev/shm or in the temporary directory, and let this user write there",
  },
  ConfigUnreadable: { retryable: false, advice: "Give the configuration as a JSON or YAML mapping" },
  BadCommand: {
    retryable: false,
    advice: "Name the program to start, for example: hybrid-runner exec -- python main.py",
  },
  BadVariable: {
    retryable: false,
    advice: "Correct the variable or the secret it refers to: a variable can't hold a NUL character",
  },
  BadPodSettings: {
    retryable: false,
    advice: "The runner's image and the wrapper in the pod may be of different versions: deploy the pipeline again",
  },
  InstallFailed: {
    retryable: true,
    advice:
      "See that the volume for the wrapper is there, may be written and is large enough, and that WRAPPER_IMAGE is the runner's image",
  },
});
