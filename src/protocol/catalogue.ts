import { z } from "zod";
import { CLOSE_CODES, type CloseName } from "./close-codes.ts";
import { FAILURE_CATEGORIES, type FailureCategory } from "./failure-category.ts";
import { LIMITS } from "./limits.ts";
import type { MessageBodies, MessageType, PipelineBody, RunReport } from "./messages.ts";
import { RUN_STATES } from "./run-state.ts";

/*
 * The one source of the shapes on the wire. `npm run generate` derives from it the TypeScript types (messages.ts),
 * the tables of docs/protocol.md and docs/protocol.schema.json; a test fails when they are stale.
 * Every object is strict: an unknown field is a bad frame, so that a misspelt one can't be ignored in silence.
 */

const uuid = z.uuid();
const timestamp = z.int().nonnegative().meta({ id: "Timestamp", description: "epoch milliseconds" });
const generation = z
  .int()
  .positive()
  .meta({ id: "Generation", description: "counts the versions of one pipeline, from 1" });
const text = (limit: number) => z.string().max(limit);
const jsonObject = z.record(z.string(), z.json()).meta({ id: "JsonObject", description: "any JSON object" });

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
  })
  .meta({ id: "Failure", description: "why a run failed" });

const logEnd = z
  .strictObject({
    bytes: z.int().nonnegative().describe("length of the whole masked log in UTF-8"),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe("hash of the whole masked log"),
  })
  .meta({ id: "LogEnd", description: "what a complete log must come to" });

const runReport = z
  .strictObject({
    runId: uuid,
    pipelineId: uuid,
    attempt: z.int().positive(),
    state: runState,
    startedAt: timestamp.exactOptional(),
    endedAt: timestamp.exactOptional(),
    exitCode: z.int().exactOptional().describe("of the ingestion program, when it exited by itself"),
    proof: text(500).exactOptional().describe("what the terminal state rests on"),
    failure: failure.exactOptional().describe("present exactly when the state is `failed`"),
    log: logEnd.exactOptional().describe("present when the log has ended"),
  })
  .meta({ id: "RunReport", description: "a run as its runner knows it" });

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
    timeoutSeconds: z.int().positive().exactOptional(),
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
    "disabledPipeline",
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
    z.strictObject({
      kind: z.literal("log"),
      runId: uuid,
      offset: z.int().nonnegative(),
      text: text(LIMITS.logChunkBytes),
      nextOffset: z.int().nonnegative(),
      ended: z.boolean().describe("true when nothing will follow `nextOffset`"),
    }),
    z.strictObject({ kind: z.literal("hostAddress"), ip: text(64).nullable() }),
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
  }),
  z.strictObject({ operationId, outcome: z.literal("unsupported"), message: text(2000) }),
  z.strictObject({ operationId, outcome: z.literal("answered"), answer }),
]);

/** The shape of a deployed pipeline, for those who keep it. */
export const PIPELINE_BODY: z.ZodType<PipelineBody> = pipelineBody;

/** The shape of a run's report, for those who keep it. */
export const RUN_REPORT: z.ZodType<RunReport> = runReport;

/** Which side sends a message: `up` is runner to gateway. */
export type Direction = "up" | "down" | "both";

/** `session` messages keep the session itself, `operation`s ask the runner for something, `update`s are numbered and acknowledged. */
export type MessageKind = "session" | "operation" | "update";

/** One row of the catalogue. */
export interface MessageEntry<Body> {
  readonly direction: Direction;
  readonly kind: MessageKind;
  /** What it says. */
  readonly meaning: string;
  /** What the receiver must do. */
  readonly duty: string;
  readonly body: z.ZodType<Body>;
}

/** The catalogue's type: exactly one row for every message. */
export type Catalogue = { readonly [T in MessageType]: MessageEntry<MessageBodies[T]> };

/** Every message of protocol version 1, both directions, in the order a session meets them. */
export const CATALOGUE: Catalogue = {
  hello: {
    direction: "up",
    kind: "session",
    meaning: "first frame of a session: who dials and what it can do",
    duty: "check version, runner id and installation; answer `welcome`, or `close` and close the socket",
    body: z.strictObject({
      protocolVersions: z.array(z.int().positive()).min(1).max(16),
      runnerId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/),
      installationId: text(128)
        .min(1)
        .describe("the place: UID of the ingestion namespace, or a random id in the data directory"),
      instanceId: uuid.describe("the process: new at every start"),
      standby: z.boolean().describe("true: wants the session only if nobody else has it"),
      runnerVersion: text(64),
      ingestionVersion: text(128).exactOptional().describe("image or version of the ingestion program, when known"),
      executor: text(32),
      platform: text(128).describe("operating system, architecture and runtime, for people"),
      operations: z.array(text(64)).max(64).describe("types of the operations it can do"),
      maxConcurrentRuns: z.int().positive(),
    }),
  },
  welcome: {
    direction: "down",
    kind: "session",
    meaning: "the session stands and has this epoch",
    duty: "use the epoch in every later frame; note the difference between `serverTime` and its own clock; send `inventory`",
    body: z.strictObject({
      protocolVersion: z.int().positive(),
      epoch: z.int().positive().describe("greater than that of every earlier session of this runner"),
      serverTime: timestamp,
      gatewayVersion: text(64),
      heartbeatSeconds: z.int().positive(),
      silenceSeconds: z.int().positive(),
      minimumRunnerVersion: text(64).exactOptional(),
    }),
  },
  inventory: {
    direction: "up",
    kind: "session",
    meaning: "a page of what the runner has: its pipelines, its live runs and the results not yet acknowledged",
    duty: "collect the pages until `last`; then act on the difference to what it knows of the runs, and send `logCursors` and `wanted`",
    body: z.strictObject({
      pipelines: z.array(pipelineKey).max(LIMITS.pageEntries),
      runs: z
        .array(runReport.pick({ runId: true, pipelineId: true, attempt: true, state: true }))
        .max(LIMITS.pageEntries),
      last: z.boolean(),
    }),
  },
  logCursors: {
    direction: "down",
    kind: "session",
    meaning: "how far the gateway has the logs of the runs in the inventory",
    duty: "send each run's log from this offset; a run that is not listed starts at 0",
    body: z.strictObject({
      runs: z.array(z.strictObject({ runId: uuid, offset: z.int().nonnegative() })).max(LIMITS.pageEntries),
    }),
  },
  wanted: {
    direction: "down",
    kind: "session",
    meaning: "a page of the pipelines this runner shall have, and of those it shall not have any more",
    duty: "collect the pages until `last`; fetch what is missing or older; delete what has a tombstone of at least its generation; leave everything else alone and report it as orphan; then send `inStep`",
    body: z.strictObject({
      pipelines: z.array(pipelineKey).max(LIMITS.pageEntries),
      tombstones: z.array(z.strictObject({ pipelineId: uuid, generation })).max(LIMITS.pageEntries),
      last: z.boolean(),
    }),
  },
  fetch: {
    direction: "up",
    kind: "session",
    meaning: "asks for the body of a wanted pipeline",
    duty: "send `pipeline.deploy` with the newest generation, or nothing if it is no longer wanted",
    body: z.strictObject({ pipelineId: uuid }),
  },
  inStep: {
    direction: "up",
    kind: "session",
    meaning: "the runner has asked for every difference it found",
    duty: "operations may flow from now on",
    body: z.strictObject({
      fetched: z.int().nonnegative(),
      deleted: z.int().nonnegative(),
      orphans: z
        .array(pipelineKey)
        .max(LIMITS.pageEntries)
        .describe("on the runner, but not wanted and without tombstone; left alone"),
    }),
  },
  heartbeat: {
    direction: "both",
    kind: "session",
    meaning: "I am here and had nothing else to say",
    duty: "nothing: any byte received is the sign of life",
    body: z.strictObject({}),
  },
  ack: {
    direction: "down",
    kind: "session",
    meaning: "every update of this session up to `seq` is stored durably",
    duty: "forget them; a terminal state's object may now be removed",
    body: z.strictObject({ seq: z.int().positive() }),
  },
  close: {
    direction: "both",
    kind: "session",
    meaning: "last frame before the socket is closed",
    duty: "act on the retry class of the close code",
    body: z.strictObject({
      name: closeName,
      reason: text(500),
      retryAfterSeconds: z.int().positive().exactOptional().describe("don't dial earlier"),
    }),
  },
  "pipeline.deploy": {
    direction: "down",
    kind: "operation",
    meaning: "have this pipeline, in this generation",
    duty: "store it durably, replace an older generation, set up its schedule; then `accepted`. A newer generation in place, or this one with the same hash, is `accepted` too and changes nothing",
    body: z.strictObject({ operationId, pipeline: pipelineBody }),
  },
  "pipeline.toggle": {
    direction: "down",
    kind: "operation",
    meaning: "switch a pipeline's schedule on or off, as a new generation",
    duty: "store it durably, then `accepted`; running runs go on",
    body: z.strictObject({ operationId, pipelineId: uuid, generation, hash: text(64), enabled: z.boolean() }),
  },
  "pipeline.delete": {
    direction: "down",
    kind: "operation",
    meaning: "a tombstone: this pipeline shall not exist up to this generation",
    duty: "remove it and its schedule and stop its runs; a newer generation stays. Not having it is `accepted`",
    body: z.strictObject({ operationId, pipelineId: uuid, generation }),
  },
  "pipeline.stop": {
    direction: "down",
    kind: "operation",
    meaning: "stop every live run of a pipeline",
    duty: "record the intent, then `accepted`; the ends come as updates",
    body: z.strictObject({ operationId, pipelineId: uuid }),
  },
  "run.start": {
    direction: "down",
    kind: "operation",
    meaning: "start this run of a deployed pipeline, once",
    duty: "`accepted` only after the run's object exists; `duplicate` for an id it has; `refused` with a reason otherwise",
    body: z.strictObject({
      operationId,
      runId: uuid,
      pipelineId: uuid,
      generation,
      attempt: z.int().positive(),
      startBefore: timestamp.describe("server time; later the run must not start"),
      sourceConfigOverride: jsonObject
        .exactOptional()
        .describe("its top-level keys replace those of source.sourceConfig.config"),
      appConfigOverride: jsonObject.exactOptional().describe("replaces appConfig of an application"),
    }),
  },
  "run.stop": {
    direction: "down",
    kind: "operation",
    meaning: "stop one run",
    duty: "record the intent, then `accepted`; an ended run is `duplicate` with its state; an unknown run is `answered` with null",
    body: z.strictObject({ operationId, runId: uuid }),
  },
  "run.status": {
    direction: "down",
    kind: "operation",
    meaning: "what do you know of this run",
    duty: "`answered` with `runStatus`",
    body: z.strictObject({ operationId, runId: uuid }),
  },
  "run.readLog": {
    direction: "down",
    kind: "operation",
    meaning: "read a piece of a run's masked log on site",
    duty: "`answered` with `log`",
    body: z.strictObject({
      operationId,
      runId: uuid,
      offset: z.int().nonnegative(),
      limit: z.int().positive().max(LIMITS.logChunkBytes),
    }),
  },
  "automation.start": {
    direction: "down",
    kind: "operation",
    meaning: "run an automation, for example a test connection",
    duty: "`accepted` after its object exists",
    body: z.strictObject({ operationId, runId: uuid, startBefore: timestamp, workflow: jsonObject }),
  },
  "application.start": {
    direction: "down",
    kind: "operation",
    meaning: "run an external application once",
    duty: "`accepted` after its object exists",
    body: z.strictObject({ operationId, runId: uuid, startBefore: timestamp, application: jsonObject }),
  },
  "host.address": {
    direction: "down",
    kind: "operation",
    meaning: "which address does your traffic come from",
    duty: "`answered` with `hostAddress`",
    body: z.strictObject({ operationId }),
  },
  "service.status": {
    direction: "down",
    kind: "operation",
    meaning: "is the executor able to work",
    duty: "`answered` with `serviceStatus`",
    body: z.strictObject({ operationId }),
  },
  verdict: {
    direction: "up",
    kind: "session",
    meaning: "what became of an operation",
    duty: "note it; a verdict that got lost is made up for by the inventory of the next session",
    body: verdictBody,
  },
  "run.update": {
    direction: "up",
    kind: "update",
    meaning: "the newest state of a run",
    duty: "store it if it is news, then `ack`; acknowledge runs it doesn't know all the same",
    body: runReport,
  },
  "run.log": {
    direction: "up",
    kind: "update",
    meaning: "a piece of a run's masked log",
    duty: "append it at its offset: drop what it has, record a gap where something is missing, then `ack`",
    body: z.strictObject({ runId: uuid, offset: z.int().nonnegative(), text: text(LIMITS.logChunkBytes) }),
  },
};

/** The envelope around every body. */
export const ENVELOPE: z.ZodType<{ type: string; epoch: number; seq?: number; body: unknown }> = z.strictObject({
  type: z.string().max(64),
  epoch: z.int().nonnegative().describe("0 before `welcome`, then the session's"),
  seq: z.int().positive().exactOptional().describe("on updates only: 1, 2, 3 … within the session"),
  body: z.unknown(),
});
