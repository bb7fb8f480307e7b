import {
  anything,
  fields,
  filledText,
  list,
  mapping,
  mappingOf,
  number,
  oneOf,
  optional,
  positiveNumber,
  type Shape,
  text,
  uuid,
  variants,
  whole,
} from "../../base/shape.ts";
import { BOUNDS } from "../../protocol/bounds.ts";
import type { Json } from "../../protocol/messages.ts";
import { type SecretReads, secretReadsShape } from "../../protocol/secret-reads.ts";
import type { ProcessIdentity } from "../../runtime/process.ts";
import type { RunSpec } from "../executor.ts";

/** Version of everything in a run directory. A reader refuses any other. */
export const RECORD_VERSION: 1 = 1;

/** `intent.json`: all that the supervisor needs. References, not resolved values; the bot token is inside, hence mode 0600. */
export interface RunIntent {
  readonly version: 1;
  readonly createdAt: number;
  readonly spec: RunSpec;
  /** Program and arguments; `{config}` stands for the path of the configuration file. Empty when none is set: then the run fails. */
  readonly command: readonly string[];
  /** The program's environment, without anything of the runner's own. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** Variables of that environment that are masked whatever their names say. */
  readonly maskedVariables?: readonly string[];
  /** Settings of the secret store, which only the supervisor understands. */
  readonly secrets: Json;
  readonly graceMs: number;
  /** A random value in the program's environment, by which strayed children are found. */
  readonly mark: string;
}

/** `claim.json`: who decides about the run. Created once, never changed. */
export type RunClaim =
  | { readonly version: 1; readonly who: "supervisor"; readonly at: number; readonly identity: ProcessIdentity }
  | {
      readonly version: 1;
      readonly who: "abandoned";
      readonly at: number;
      readonly why: "stopped" | "startTimeout" | "startFailed";
      readonly evidence: string;
    };

/** `program.json`: the started program, which leads a group of its own. */
export interface ProgramRecord {
  readonly version: 1;
  readonly startedAt: number;
  readonly identity: ProcessIdentity;
}

/** `stop.json` and `released.json`: a fact and when it became one. */
export interface MomentRecord {
  readonly version: 1;
  readonly at: number;
}

/** `secret-reads.json`: how often the secret store was read; taken away by the runner that has counted it. */
export interface SecretReadsRecord {
  readonly version: 1;
  readonly reads: SecretReads;
}

const version: Shape<1> = oneOf(RECORD_VERSION);
const moment = whole(BOUNDS.timestamp);
const identity: Shape<ProcessIdentity> = fields({
  pid: whole({ least: 1, most: 4_294_967_295 }),
  startTime: filledText,
});

/** Shape of a run as it is handed to an executor. */
export const runSpecShape: Shape<RunSpec> = fields<RunSpec>({
  runId: uuid,
  attempt: whole(BOUNDS.attempt),
  pipelineId: uuid,
  pipelineName: text,
  fullyQualifiedName: text,
  pipelineType: text,
  config: mapping,
  timeoutSeconds: optional(positiveNumber),
  retries: optional(whole(BOUNDS.retries)),
  retryDelaySeconds: optional(whole(BOUNDS.retryDelaySeconds)),
  startBefore: number,
});

/** Shape of `intent.json`. */
export const intentShape: Shape<RunIntent> = fields<RunIntent>({
  version,
  createdAt: moment,
  spec: runSpecShape,
  command: list(text),
  environment: mappingOf(text),
  maskedVariables: optional(list(text)),
  workingDirectory: filledText,
  secrets: anything,
  graceMs: whole({ least: 0, most: 3_600_000 }),
  mark: filledText,
});

/** Shape of `claim.json`. */
export const claimShape: Shape<RunClaim> = variants<RunClaim>("who", {
  supervisor: fields<Extract<RunClaim, { who: "supervisor" }>>({
    version,
    who: oneOf("supervisor"),
    at: moment,
    identity,
  }),
  abandoned: fields<Extract<RunClaim, { who: "abandoned" }>>({
    version,
    who: oneOf("abandoned"),
    at: moment,
    why: oneOf("stopped", "startTimeout", "startFailed"),
    evidence: text,
  }),
});

/** Shape of `program.json`. */
export const programShape: Shape<ProgramRecord> = fields<ProgramRecord>({ version, startedAt: moment, identity });

/** Shape of `secret-reads.json`. */
export const secretReadsRecordShape: Shape<SecretReadsRecord> = fields<SecretReadsRecord>({
  version,
  reads: secretReadsShape,
});

/** Shape of `stop.json` and `released.json`. */
export const momentShape: Shape<MomentRecord> = fields<MomentRecord>({ version, at: moment });
