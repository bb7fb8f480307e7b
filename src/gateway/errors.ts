import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds that the gateway's parts share: the store and the sessions. The API and the authentication have their own. */
export const GATEWAY_ERRORS: {
  readonly StoreUnavailable: ErrorKind<"StoreUnavailable">;
  readonly StoreTooNew: ErrorKind<"StoreTooNew">;
  readonly WrongStoreKey: ErrorKind<"WrongStoreKey">;
  readonly RecordUnreadable: ErrorKind<"RecordUnreadable">;
  readonly GenerationsUsedUp: ErrorKind<"GenerationsUsedUp">;
  readonly GatewayRunsAlready: ErrorKind<"GatewayRunsAlready">;
  readonly GatewayDirectoryUnusable: ErrorKind<"GatewayDirectoryUnusable">;
  readonly FrameCaptureUnusable: ErrorKind<"FrameCaptureUnusable">;
  readonly NoGatewayData: ErrorKind<"NoGatewayData">;
  readonly NameTaken: ErrorKind<"NameTaken">;
  readonly RunnerInUse: ErrorKind<"RunnerInUse">;
  readonly ServiceInUse: ErrorKind<"ServiceInUse">;
  readonly RunnerNotConnected: ErrorKind<"RunnerNotConnected">;
  readonly RunnerBusy: ErrorKind<"RunnerBusy">;
  readonly VerdictTimedOut: ErrorKind<"VerdictTimedOut">;
  readonly PipelineTooLarge: ErrorKind<"PipelineTooLarge">;
  readonly TooManyListeners: ErrorKind<"TooManyListeners">;
  readonly LogDiffers: ErrorKind<"LogDiffers">;
} = defineErrors({
  StoreUnavailable: {
    retryable: true,
    advice: "Check that the database file can be written, that its disk has room and that no other program holds it",
  },
  StoreTooNew: {
    retryable: false,
    advice: "Start the newer version of this program that made the database, or restore a backup from before it",
  },
  WrongStoreKey: {
    retryable: false,
    advice: "Start the gateway with the key this database was made with; without it the bot tokens can't be read",
  },
  RecordUnreadable: {
    retryable: false,
    advice:
      "Bring the row back from a backup, or stop the gateway and correct or delete it in the database; everything else goes on",
  },
  GenerationsUsedUp: { retryable: false, advice: "Delete the pipeline and make it anew" },
  GatewayRunsAlready: {
    retryable: true,
    advice: "Stop the other gateway, or give this one a data directory of its own with --data-directory",
  },
  GatewayDirectoryUnusable: {
    retryable: true,
    advice: "See that this user may read and write there, or name another place with --data-directory",
  },
  FrameCaptureUnusable: {
    retryable: true,
    advice: "See that this user may write there, or name another file with --capture-frames",
  },
  NoGatewayData: {
    retryable: false,
    advice:
      "Start the gateway once, or name the data directory that it works on with --data-directory (HYBRID_RUNNER_GATEWAY_DATA_DIRECTORY)",
  },
  NameTaken: { retryable: false, advice: "Choose another name, or change the one that exists" },
  RunnerInUse: {
    retryable: false,
    advice: "Delete its services and pipelines first, or retire the runner, or ask with force=true",
  },
  ServiceInUse: { retryable: false, advice: "Delete the service's pipelines first" },
  RunnerNotConnected: {
    retryable: true,
    advice: "Check that the runner is up and reaches the gateway; its log says why it is not connected",
  },
  RunnerBusy: { retryable: true, advice: "Try again in a few seconds" },
  VerdictTimedOut: {
    retryable: true,
    advice: "Try again once the runner has connected anew; if it repeats, look into the runner's log",
  },
  PipelineTooLarge: {
    retryable: false,
    advice: "Make the pipeline's configuration smaller, or split it into several pipelines",
  },
  TooManyListeners: { retryable: true, advice: "Close live streams that are no longer watched, then try again" },
  LogDiffers: {
    retryable: true,
    advice: "Nothing needs to be done: the runner connects anew and sends the log from its beginning",
  },
});
