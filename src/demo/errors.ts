import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds of the demo and its sample ingestion. */
export const DEMO_ERRORS: {
  readonly ConnectorInputInvalid: ErrorKind<"ConnectorInputInvalid">;
  readonly SourceUnreadable: ErrorKind<"SourceUnreadable">;
  readonly DemoDirectoryInUse: ErrorKind<"DemoDirectoryInUse">;
  readonly DemoDirectoryUnusable: ErrorKind<"DemoDirectoryUnusable">;
  readonly DemoProgramEnded: ErrorKind<"DemoProgramEnded">;
  readonly DemoStepTooSlow: ErrorKind<"DemoStepTooSlow">;
  readonly DemoRequestRefused: ErrorKind<"DemoRequestRefused">;
} = defineErrors({
  ConnectorInputInvalid: {
    retryable: false,
    advice: "Start it as an ingestion program: the variables config, pipelineType and pipelineRunId tell it what to do",
  },
  SourceUnreadable: {
    retryable: false,
    advice: "Check that the connection string names an existing SQLite file that this user may read",
  },
  DemoDirectoryInUse: { retryable: false, advice: "Name an empty directory, or leave --directory out" },
  DemoDirectoryUnusable: {
    retryable: false,
    advice: "Name a directory that this user may write to with --directory, or set TMPDIR to one",
  },
  DemoProgramEnded: { retryable: false, advice: "Read the program's log lines above" },
  DemoStepTooSlow: { retryable: true, advice: "Read the logs below; on a very busy machine try again" },
  DemoRequestRefused: { retryable: false, advice: "Read the gateway's log in the directory named below" },
});
