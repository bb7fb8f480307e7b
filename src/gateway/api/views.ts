import { z } from "zod";
import { BOUNDS } from "../../protocol/bounds.ts";
import type { Failure, PipelineKey } from "../../protocol/messages.ts";
import {
  ATTEMPT,
  FAILURE,
  GENERATION,
  JSON_OBJECT,
  LISTED_FAILURE,
  LOG_BYTES,
  LOG_END,
  PIPELINE_KEY,
  RUN_STATE,
  SCHEDULE,
  UUID,
  within,
} from "../../protocol/shapes.ts";
import type { RefusedPipeline } from "../sessions/sessions.ts";
import type { PipelineRecord, RunnerRecord, RunRecord, ServiceRecord } from "../store/store.ts";
import type { ErrorBody } from "./error-response.ts";
import type { InApi } from "./instants.ts";
import type { LogProof } from "./log-proof.ts";
import { WARNING_CODES, type Warning } from "./remarks.ts";

/*
 * What the REST API answers. docs/openapi.json is made from these shapes, and the tests hold every real answer against
 * them; they are strict, so that a field which nobody described can't slip out.
 */

/** Answers to what was sent may tell what is doubtful about it. */
interface Remarked {
  readonly warnings?: readonly Warning[];
}

/** A service as it is answered. */
export type ServiceView = InApi<ServiceRecord> & Remarked;

/** A pipeline as it is answered. */
export type PipelineView = InApi<PipelineRecord> & Remarked;

/** A run that was ordered. */
export interface OrderedRunView extends Remarked {
  readonly run: RunView;
}

/** A run as it is answered. */
export type RunView = InApi<Omit<RunRecord, "refusal">>;

/** A run in a list: its failure without what is long. */
export type ListedRunView = Omit<RunView, "failure"> & { readonly failure?: Omit<Failure, "logTail" | "events"> };

/** A runner, and whether it is here. */
export interface RunnerView extends InApi<RunnerRecord> {
  readonly status: "Connected" | "Disconnected";
  readonly address?: string;
  readonly freePlaces?: number;
  readonly lastError?: { readonly at: string; readonly close: string; readonly reason: string };
  readonly orphans?: readonly PipelineKey[];
  readonly refused?: readonly RefusedPipeline[];
}

/** A page of a run's log, and what is known of the log as a whole. */
export interface LogPageView extends LogProof {
  readonly text: string;
  readonly nextOffset: number;
  readonly gaps: RunRecord["logGaps"];
  readonly capped: boolean;
  readonly note?: string;
}

/** A runner token without anything that it could be used with. */
export interface TokenView {
  readonly tokenId: string;
  readonly runnerId: string;
  readonly createdAt: string;
  /** Absent: never. */
  readonly expiresAt?: string;
  readonly revokedAt?: string;
  readonly state: "valid" | "expired" | "revoked";
}

/** A token at the one moment when it is shown. */
export interface IssuedTokenView extends TokenView {
  readonly token: string;
}

const time = z.iso.datetime({ precision: 3 }).meta({ id: "Time", description: "RFC 3339, in UTC, with milliseconds" });

const refusedPipeline = z.strictObject({
  pipelineId: UUID,
  generation: GENERATION,
  reason: z.string().describe("a refusal reason of the protocol, `unsupported` or `tooLarge`"),
  message: z.string(),
  advice: z.string().exactOptional().describe("what the runner says to do"),
  category: z.string().exactOptional().describe("what kind of failure it is, where the runner knows it"),
}) as unknown as z.ZodType<RefusedPipeline>;

export const RUNNER_VIEW: z.ZodType<RunnerView> = z
  .strictObject({
    runnerId: z.string(),
    status: z.enum(["Connected", "Disconnected"]),
    installationId: z.string().exactOptional().describe("the place the id is bound to; absent after a rebind"),
    instanceId: z.string().exactOptional().describe("the process that greeted last"),
    epoch: within(BOUNDS.epoch).describe("counts the sessions of this runner id"),
    runnerVersion: z.string().exactOptional(),
    ingestionVersion: z.string().exactOptional(),
    executor: z.string().exactOptional(),
    platform: z.string().exactOptional(),
    host: z.string().exactOptional().describe("name of the machine or pod it greeted from last"),
    maxConcurrentRuns: within(BOUNDS.maxConcurrentRuns).exactOptional(),
    lastSeenAt: time.exactOptional(),
    retiredAt: time.exactOptional().describe("since then it is refused"),
    address: z
      .string()
      .exactOptional()
      .describe("where its connection comes from, perhaps a proxy. Present while it is connected"),
    freePlaces: z
      .int()
      .nonnegative()
      .max(BOUNDS.maxConcurrentRuns.most)
      .exactOptional()
      .describe("how many runs more it would take. Present while it is connected"),
    lastError: z
      .strictObject({ at: time, close: z.string(), reason: z.string() })
      .exactOptional()
      .describe("how its last session was lost that didn't end by a goodbye; known since this gateway started"),
    createdAt: time,
    orphans: z
      .array(PIPELINE_KEY)
      .exactOptional()
      .describe("pipelines on the runner that this gateway doesn't know; left alone. Present while it is connected"),
    refused: z
      .array(refusedPipeline)
      .exactOptional()
      .describe("pipelines the runner would not take, and why. Present while it is connected"),
  })
  .meta({ id: "Runner", description: "a runner as the gateway knows it" });

const warning = z
  .strictObject({
    code: z.enum(WARNING_CODES),
    field: z.string().describe("where it stands in what was sent"),
    message: z.string(),
  })
  .meta({ id: "Warning", description: "something that was taken and may not be meant so" }) as z.ZodType<Warning>;
const warnings = z
  .array(warning)
  .min(1)
  .exactOptional()
  .describe("only in answers to what creates, changes, deploys or runs, and only when there is something to tell");

export const SERVICE_VIEW: z.ZodType<ServiceView> = z
  .strictObject({
    serviceId: UUID,
    name: z.string(),
    serviceType: z.string(),
    connection: JSON_OBJECT.describe("as it was given: with references, not credentials"),
    runnerId: z.string(),
    createdAt: time,
    warnings,
  })
  .meta({ id: "Service", description: "a data source" });

export const PIPELINE_VIEW: z.ZodType<PipelineView> = z
  .strictObject({
    pipelineId: UUID,
    serviceId: UUID,
    runnerId: z.string().describe("the service's runner"),
    name: z.string(),
    fullyQualifiedName: z.string().describe("the service's name, a dot, the pipeline's name"),
    pipelineType: z.string(),
    sourceConfig: JSON_OBJECT,
    sink: JSON_OBJECT.exactOptional(),
    schedule: SCHEDULE.exactOptional(),
    timeoutSeconds: within(BOUNDS.timeoutSeconds).exactOptional(),
    retries: within(BOUNDS.retries).exactOptional().describe("how often a failed run is tried again"),
    retryDelaySeconds: within(BOUNDS.retryDelaySeconds).exactOptional(),
    enabled: z.boolean().describe("false: its schedule is off; it still runs on demand"),
    deployed: z.boolean(),
    generation: GENERATION,
    hash: z.string().describe("SHA-256 of what the runner gets; empty while not deployed"),
    deletedAt: time.exactOptional(),
    createdAt: time,
    updatedAt: time,
    warnings,
  })
  .meta({ id: "Pipeline", description: "a pipeline as it is wanted; its bot token is never shown" });

const runFields = z.strictObject({
  runId: UUID,
  pipelineId: UUID,
  runnerId: z.string(),
  attempt: ATTEMPT,
  state: RUN_STATE,
  dispatch: z.enum(["waiting", "offered", "accepted"]).describe("where it stands between gateway and runner"),
  waiting: z.string().exactOptional().describe("always with `queued` and only then: what keeps it from running"),
  stopRequested: z.boolean(),
  sourceConfigOverride: JSON_OBJECT.exactOptional(),
  appConfigOverride: JSON_OBJECT.exactOptional(),
  createdAt: time,
  startDeadline: time.describe("if it hasn't started by then it fails with `StartTimeout`"),
  startedAt: time.exactOptional(),
  endedAt: time.exactOptional(),
  exitCode: within(BOUNDS.exitCode).exactOptional().describe("of the ingestion program, when it exited by itself"),
  proof: z.string().exactOptional().describe("what the terminal state rests on"),
  failure: FAILURE.exactOptional(),
  logEnd: LOG_END.exactOptional(),
  logBytes: LOG_BYTES.describe("where the log goes on: every byte before it is here or was told missing"),
  logHeldAt: within(BOUNDS.logBytes)
    .exactOptional()
    .describe(
      "the log is longer than its runner sends: from here on it stays on site while the run goes on, which it does; the last part follows after the end",
    ),
  logCappedAt: within(BOUNDS.logBytes)
    .exactOptional()
    .describe("from here on this gateway keeps nothing of the log; the run goes on"),
  logCappedBy: z
    .enum(["run", "runner", "store"])
    .exactOptional()
    .describe("which of the gateway's ceilings of stored logs was met"),
  logGaps: z.array(z.tuple([LOG_BYTES, LOG_BYTES])).describe("missing pieces of the log, each as offset and length"),
});

const tellsWhatItWaitsFor = (run: { readonly state: string; readonly waiting?: string }): boolean =>
  (run.state === "queued") === (run.waiting !== undefined);

export const RUN_VIEW: z.ZodType<RunView> = runFields
  .refine(tellsWhatItWaitsFor)
  .meta({ id: "Run", description: "one execution of a pipeline" });

export const LISTED_RUN_VIEW: z.ZodType<ListedRunView> = runFields
  .extend({ failure: LISTED_FAILURE.exactOptional() })
  .refine(tellsWhatItWaitsFor)
  .meta({
    id: "ListedRun",
    description: "a run in a list: its failure without `logTail` and `events`, which the run itself has",
  });

export const ORDERED_RUN_VIEW: z.ZodType<OrderedRunView> = z.strictObject({ run: RUN_VIEW, warnings });

const pageFields = {
  text: z.string().describe("a missing piece shows as a line of its own: `[gap: 1234 bytes of log are missing here]`"),
  nextOffset: LOG_BYTES.describe("where the next page begins, in bytes of the runner's log"),
};
const proofFields = {
  complete: z.boolean().describe("the run has ended, all bytes are here and none is missing"),
  verified: z.boolean().describe("complete, and the hash is the one the runner told"),
};

export const LOG_PAGE_VIEW: z.ZodType<LogPageView> = z
  .strictObject({
    ...pageFields,
    ...proofFields,
    gaps: z.array(z.tuple([LOG_BYTES, LOG_BYTES])),
    capped: z
      .boolean()
      .describe(
        "the log is longer than its runner sends, so that only its first and its last part come here; or than this gateway keeps, see `logCappedBy` of the run",
      ),
    note: z.string().exactOptional().describe("with `capped`, for people: the run goes on, and where the whole log is"),
  })
  .meta({ id: "LogPage", description: "a page of a run's log" });

/** The live events of a run, by name. */
export const RUN_EVENTS: Readonly<Record<"run" | "log" | "end", z.ZodType>> = {
  run: RUN_VIEW,
  log: z.strictObject({ offset: LOG_BYTES, ...pageFields }).meta({ id: "LogEvent", description: "the log has grown" }),
  end: z
    .strictObject({ run: RUN_VIEW, nextOffset: LOG_BYTES, ...proofFields })
    .meta({ id: "EndEvent", description: "the run has ended and its log is here, or won't come" }),
};

const tokenFields = {
  tokenId: UUID,
  runnerId: z.string().describe("the only runner id it is good for; `*`: any"),
  createdAt: time,
  expiresAt: time
    .exactOptional()
    .describe("absent: never; clocks may be 30 s apart, so it ends for good that much later"),
  revokedAt: time.exactOptional(),
  state: z.enum(["valid", "expired", "revoked"]),
};

export const TOKEN_VIEW: z.ZodType<TokenView> = z
  .strictObject(tokenFields)
  .meta({ id: "Token", description: "a runner token, without the token" });

export const ISSUED_TOKEN_VIEW: z.ZodType<IssuedTokenView> = z
  .strictObject({ ...tokenFields, token: z.string().describe("shown only now") })
  .meta({ id: "IssuedToken", description: "a runner token at the one moment when it is shown" });

export const ERROR_VIEW: z.ZodType<ErrorBody> = z
  .strictObject({
    code: z.string().describe("docs/troubleshooting.md has a row for each"),
    message: z.string(),
    advice: z.string().describe("what to do next"),
  })
  .meta({ id: "Error", description: "every answer that isn't a success" });
