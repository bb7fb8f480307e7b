import { z } from "zod";
import type { Json, JsonObject } from "../../protocol/messages.ts";
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

const version = z.literal(RECORD_VERSION);
const moment = z.int().nonnegative();
const identity = z.strictObject({ pid: z.int().positive(), startTime: z.string().min(1) });
const jsonObject: z.ZodType<JsonObject> = z.record(z.string(), z.json());

const spec = z.strictObject({
  runId: z.uuid(),
  attempt: z.int().positive(),
  pipelineId: z.uuid(),
  pipelineName: z.string(),
  fullyQualifiedName: z.string(),
  pipelineType: z.string(),
  config: jsonObject,
  timeoutSeconds: z.number().positive().exactOptional(),
  startBefore: z.number(),
});

/** Shape of a run as it is handed to an executor. */
export const runSpecSchema: z.ZodType<RunSpec> = spec;

/** Shape of `intent.json`. */
export const intentSchema: z.ZodType<RunIntent> = z.strictObject({
  version,
  createdAt: moment,
  spec,
  command: z.array(z.string()),
  environment: z.record(z.string(), z.string()),
  workingDirectory: z.string().min(1),
  secrets: z.json(),
  graceMs: z.int().nonnegative(),
  mark: z.string().min(1),
});

/** Shape of `claim.json`. */
export const claimSchema: z.ZodType<RunClaim> = z.discriminatedUnion("who", [
  z.strictObject({ version, who: z.literal("supervisor"), at: moment, identity }),
  z.strictObject({
    version,
    who: z.literal("abandoned"),
    at: moment,
    why: z.enum(["stopped", "startTimeout", "startFailed"]),
    evidence: z.string(),
  }),
]);

/** Shape of `program.json`. */
export const programSchema: z.ZodType<ProgramRecord> = z.strictObject({ version, startedAt: moment, identity });

/** Shape of `stop.json` and `released.json`. */
export const momentSchema: z.ZodType<MomentRecord> = z.strictObject({ version, at: moment });
