import { z } from "zod";
import { isExactNumber } from "../base/exact-json.ts";
import { BOUNDS, type Bound } from "./bounds.ts";
import { CLOSE_CODES, type CloseName } from "./close-codes.ts";
import { FAILURE_CATEGORIES, type FailureCategory } from "./failure-category.ts";
import { LIMITS } from "./limits.ts";
import type {
  Failure,
  Json,
  JsonObject,
  LogEnd,
  MessageBodies,
  PipelineBody,
  PipelineKey,
  RunReport,
  Schedule,
} from "./messages.ts";
import { REPORT_RULES_AS_SCHEMA, reportMistakes } from "./report-rules.ts";
import { RUN_STATES, type RunState } from "./run-state.ts";

/* Shapes that several messages share; with catalogue.ts the one source of what is on the wire. Every object is strict. */

const uuid = z.uuid();
/** As `z.json()`, and a number that keeps its text is a leaf. */
const json: z.ZodType<Json> = z.lazy(() =>
  z.union([
    z.string(),
    z.number(),
    z.boolean(),
    z.null(),
    z.unknown().refine(isExactNumber) as z.ZodType as z.ZodType<Json>,
    z.array(json),
    z.record(z.string(), json),
  ]),
);
const jsonObject = z.record(z.string(), json).meta({ id: "JsonObject", description: "any JSON object" });
const timestamp = within(BOUNDS.timestamp).meta({ id: "Timestamp", description: "epoch milliseconds" });
const generation = within(BOUNDS.generation).meta({
  id: "Generation",
  description: "counts the versions of one pipeline, from 1",
});

const runState = z.enum(RUN_STATES).meta({ id: "RunState" });
const failureCategory = z
  .enum(Object.keys(FAILURE_CATEGORIES) as [FailureCategory, ...FailureCategory[]])
  .meta({ id: "FailureCategory" });
const closeName = z.enum(Object.keys(CLOSE_CODES) as [CloseName, ...CloseName[]]).meta({ id: "CloseName" });

const failure = z
  .strictObject({
    category: failureCategory,
    summary: text(500).describe("one line for a person"),
    detail: text(4000).exactOptional().describe("what was found: exit code, signal, reference, provider, reason"),
    advice: text(500).describe("what to do next"),
    logTail: z.array(text(2000)).max(LIMITS.failureLogLines).describe("last lines of the masked log, oldest first"),
    events: z
      .array(text(500))
      .max(LIMITS.failureEvents)
      .exactOptional()
      .describe("what the cluster told about the run's objects, oldest first"),
  })
  .meta({ id: "Failure", description: "why a run failed" });

const logEnd = z
  .strictObject({
    bytes: within(BOUNDS.logBytes).describe("length of the whole masked log in UTF-8"),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe("hash of the whole masked log"),
  })
  .meta({ id: "LogEnd", description: "what a complete log must come to" });

const runFields = z.strictObject({
  runId: uuid,
  pipelineId: uuid,
  attempt: within(BOUNDS.attempt),
  state: runState,
  waiting: text(500).exactOptional().describe("with `queued`: what keeps it from running, for people"),
  startedAt: timestamp.exactOptional().describe("by the runner's clock"),
  endedAt: timestamp.exactOptional().describe("by the runner's clock"),
  exitCode: within(BOUNDS.exitCode)
    .exactOptional()
    .describe("of the ingestion program, when it exited by itself; with `success` and `partialSuccess` 0"),
  proof: text(500)
    .min(1)
    .exactOptional()
    .describe("what the terminal state rests on; always with `success` and `partialSuccess`"),
  failure: failure.exactOptional().describe("present exactly when the state is `failed`"),
  log: logEnd.exactOptional().describe("present when the log has ended"),
});
const runReport = runFields
  .superRefine((report, context) => {
    for (const { path, message } of reportMistakes(report)) context.addIssue({ code: "custom", path: [path], message });
  })
  .meta({ id: "RunReport", description: "a run as its runner knows it", allOf: REPORT_RULES_AS_SCHEMA });

const pipelineKey = z
  .strictObject({ pipelineId: uuid, generation, hash: text(64).describe("SHA-256 of the body, made by the gateway") })
  .meta({ id: "PipelineKey", description: "names one version of one pipeline without its body" });

const schedule = z
  .strictObject({ cron: text(200), timeZone: text(64).describe("IANA name, `UTC` by default") })
  .meta({ id: "Schedule" });

const pipelineBody = z
  .strictObject({
    pipelineId: uuid,
    generation,
    hash: text(64),
    name: text(256),
    fullyQualifiedName: text(1024),
    pipelineType: text(64).describe("OpenMetadata's pipelineType, handed to the program as it is"),
    enabled: z.boolean(),
    schedule: schedule.exactOptional().describe("absent: runs only on demand"),
    timeoutSeconds: within(BOUNDS.timeoutSeconds).exactOptional(),
    retries: within(BOUNDS.retries).exactOptional().describe("how often a failed run is tried again; absent: not"),
    retryDelaySeconds: within(BOUNDS.retryDelaySeconds)
      .exactOptional()
      .describe("from a failed attempt to the next one"),
    config: jsonObject.describe(
      `the workflow configuration, with secret references; at most ${LIMITS.maxConfigBytes} bytes as JSON`,
    ),
  })
  .meta({ id: "PipelineBody", description: "all that is needed to run a pipeline" });

const operationId = uuid.describe("chosen by the gateway, repeated in the verdict");

const refusalReason = z
  .enum([
    "draining",
    "full",
    "tooLate",
    "policy",
    "standby",
    "unknownPipeline",
    "staleGeneration",
    "noExecutor",
    "badConfig",
    "storage",
  ])
  .meta({ id: "RefusalReason" });

const answer = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("runStatus"),
      run: runReport.nullable().describe("null: this runner has no such run"),
    }),
    z.strictObject({ kind: z.literal("serviceStatus"), healthy: z.boolean(), message: text(2000) }),
  ])
  .meta({ id: "Answer", description: "the result of an operation that only asks" });

const verdictBody = z.discriminatedUnion("outcome", [
  z.strictObject({ operationId, outcome: z.literal("accepted"), run: runReport.exactOptional() }),
  z.strictObject({ operationId, outcome: z.literal("duplicate"), run: runReport.describe("the state already known") }),
  z.strictObject({
    operationId,
    outcome: z.literal("refused"),
    reason: refusalReason,
    message: text(2000),
    advice: text(500),
    category: failureCategory
      .exactOptional()
      .describe(
        "since version 2: what kind of failure it would be if the run never started, such as `Quota` or `Admission`; absent: nothing more exact is known",
      ),
  }),
  z.strictObject({ operationId, outcome: z.literal("unsupported"), message: text(2000) }),
  z.strictObject({ operationId, outcome: z.literal("answered"), answer }),
]);

/** Ids of pipelines, runs, operations and processes. */
export const UUID: z.ZodType<string> = uuid;

/** Epoch milliseconds. */
export const TIMESTAMP: z.ZodType<number> = timestamp;

/** Counts the versions of one pipeline, from 1. */
export const GENERATION: z.ZodType<number> = generation;

/** Any JSON object. */
export const JSON_OBJECT: z.ZodType<JsonObject> = jsonObject;

/** Names of close-codes.ts. */
export const CLOSE_NAME: z.ZodType<CloseName> = closeName;

/** A length of a log, or a place in one. */
export const LOG_BYTES: z.ZodType<number> = within(BOUNDS.logBytes);

/** Counts the attempts of a run, from 1. */
export const ATTEMPT: z.ZodType<number> = within(BOUNDS.attempt);

/** Why a run failed. */
export const FAILURE: z.ZodType<Failure> = failure;

/** The same without what is long. */
export const LISTED_FAILURE: z.ZodType<Omit<Failure, "logTail" | "events">> = failure
  .omit({ logTail: true, events: true })
  .meta({ id: "ListedFailure", description: "why a run failed, without its log and events" });

/** What a complete log must come to. */
export const LOG_END: z.ZodType<LogEnd> = logEnd;

/** When a pipeline runs by itself. */
export const SCHEDULE: z.ZodType<Schedule> = schedule;

/** Names of run-state.ts. */
export const RUN_STATE: z.ZodType<RunState> = runState;

/** A run as its runner knows it; also kept on disk by the process executor. */
export const RUN_REPORT: z.ZodType<RunReport> = runReport;

/** One version of one pipeline without its body. */
export const PIPELINE_KEY: z.ZodType<PipelineKey> = pipelineKey;

/** All that is needed to run a pipeline; also kept on disk by the runner. */
export const PIPELINE_BODY: z.ZodType<PipelineBody> = pipelineBody;

/** Chosen by the gateway, repeated in the verdict. */
export const OPERATION_ID: z.ZodType<string> = operationId;

/** What became of an operation. */
export const VERDICT: z.ZodType<MessageBodies["verdict"]> = verdictBody;

/** What an inventory and a comparison need of a run. */
export const RUN_MOMENT: z.ZodType<Pick<RunReport, "runId" | "pipelineId" | "attempt" | "state">> = runFields.pick({
  runId: true,
  pipelineId: true,
  attempt: true,
  state: true,
});

/** A whole number within its bound. */
export function within({ least, most }: Bound): z.ZodNumber {
  return z.int().min(least).max(most);
}

/** A text of at most so many characters (Unicode code points), as JSON Schema counts them too. */
export function text(limit: number): z.ZodString {
  return z.string().max(limit);
}

/** A piece of log on its way. */
export const LOG_CHUNK: z.ZodType<MessageBodies["run.log"]> = z
  .strictObject({
    runId: UUID,
    // So that its end is within the bound too.
    offset: z
      .int()
      .min(0)
      .max(BOUNDS.logBytes.most - LIMITS.maxFrameBytes)
      .describe("in bytes of the run's log, from the first byte of its first attempt"),
    text: text(LIMITS.logChunkBytes).describe(
      `at most ${LIMITS.logChunkBytes} bytes in UTF-8; empty only with \`held\``,
    ),
    held: z
      .literal(true)
      .exactOptional()
      .describe(
        "with an empty text: more is there, but the limit for sending is reached, so the rest stays on site while the run goes on; its last part follows after the end",
      ),
  })
  .refine((chunk) => (chunk.text === "") === (chunk.held === true), { path: ["text"] })
  .refine((chunk) => isAtMost(chunk.text, LIMITS.logChunkBytes), { path: ["text"] })
  .meta({
    allOf: [
      {
        oneOf: [
          { properties: { text: { minLength: 1 }, held: false } },
          { properties: { text: { const: "" } }, required: ["held"] },
        ],
      },
    ],
  });

function isAtMost(chunk: string, bytes: number): boolean {
  // A UTF-16 unit has at most three bytes in UTF-8.
  return chunk.length * 3 <= bytes || new TextEncoder().encode(chunk).length <= bytes;
}

/** The same wish in `welcome` and `heartbeat`. */
export const RECONNECT_SPREAD: z.ZodType<number> = within(BOUNDS.reconnectSpreadSeconds).describe(
  "from the gateway: the runner draws the wait before its first redial from 0 to this; absent: no news",
);

/** The OpenMetadata server's version in `welcome`. */
export const SERVER_VERSION: z.ZodType<string> = text(64)
  .min(1)
  .describe(
    "since version 2: which version of OpenMetadata the server has, such as `1.13.3`; absent: not known, whatever an earlier session said",
  );

/** The machine's name in `hello`. */
export const HOST: z.ZodType<string> = text(255)
  .min(1)
  .describe("name of the machine or pod it runs on, for people; absent: not told");
