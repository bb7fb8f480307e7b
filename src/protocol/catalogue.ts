import { z } from "zod";
import { BOUNDS } from "./bounds.ts";
import { LIMITS } from "./limits.ts";
import type { MessageBodies, MessageType } from "./messages.ts";
import {
  ATTEMPT,
  CLOSE_NAME,
  GENERATION,
  HOST,
  JSON_OBJECT,
  LOG_BYTES,
  LOG_CHUNK,
  OPERATION_ID,
  PIPELINE_BODY,
  PIPELINE_KEY,
  RECONNECT_SPREAD,
  RUN_MOMENT,
  RUN_REPORT,
  SERVER_VERSION,
  TIMESTAMP,
  text,
  UUID,
  VERDICT,
  within,
} from "./shapes.ts";

/*
 * The one source of the shapes on the wire. `npm run generate` derives from it the TypeScript types (messages.ts),
 * the tables of docs/protocol.md and docs/protocol.schema.json; a test fails when they are stale.
 * Every object is strict: an unknown field is a bad frame, so that a misspelt one can't be ignored in silence.
 */

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

/** Every message of the protocol, both directions, in the order a session meets them. */
export const CATALOGUE: Catalogue = {
  hello: {
    direction: "up",
    kind: "session",
    meaning: "first frame of a session: who dials and what it can do",
    duty: "check version, runner id and installation; answer `welcome`, or `close` and close the socket",
    body: z.strictObject({
      protocolVersions: z.array(within(BOUNDS.protocolVersion)).min(1).max(16),
      runnerId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/),
      installationId: text(128).min(1).describe("the place: an id that is made once and kept there"),
      instanceId: UUID.describe("the process: new at every start"),
      standby: z.boolean().describe("true: wants the session only if nobody else has it"),
      runnerVersion: text(64),
      ingestionVersion: text(128).exactOptional().describe("image or version of the ingestion program, when known"),
      executor: text(32),
      platform: text(128).describe("operating system, architecture and runtime, for people"),
      host: HOST.exactOptional(),
      operations: z.array(text(64)).max(64).describe("types of the operations it can do"),
      maxConcurrentRuns: within(BOUNDS.maxConcurrentRuns),
    }),
  },
  welcome: {
    direction: "down",
    kind: "session",
    meaning: "the session stands and has this epoch",
    duty: "use the epoch in every later frame; note the difference between `serverTime` and its own clock, and `serverVersion`; send `inventory`",
    body: z.strictObject({
      protocolVersion: within(BOUNDS.protocolVersion),
      epoch: within(BOUNDS.epoch).describe("greater than that of every earlier session of this runner"),
      serverTime: TIMESTAMP,
      gatewayVersion: text(64),
      heartbeatSeconds: within(BOUNDS.heartbeatSeconds),
      silenceSeconds: within(BOUNDS.silenceSeconds),
      minimumRunnerVersion: text(64).exactOptional(),
      serverVersion: SERVER_VERSION.exactOptional(),
      reconnectSpreadSeconds: RECONNECT_SPREAD.exactOptional(),
    }),
  },
  inventory: {
    direction: "up",
    kind: "session",
    meaning:
      "a page of what the runner has: its pipelines, its live runs, and ended ones whose end or log is not wholly acknowledged; no pipeline and no run twice in all pages",
    duty: "collect the pages until `last`; then act on the difference to what it knows of the runs, and send `logCursors` and `wanted`",
    body: z.strictObject({
      pipelines: z.array(PIPELINE_KEY).max(LIMITS.pageEntries),
      runs: z.array(RUN_MOMENT).max(LIMITS.pageEntries),
      last: z.boolean(),
    }),
  },
  logCursors: {
    direction: "down",
    kind: "session",
    meaning:
      "how far the gateway has the logs of the runs in the inventory, and of ended ones whose log isn't whole yet",
    duty: "send each run's log from this offset; a run that is not listed starts at 0",
    body: z.strictObject({
      runs: z.array(z.strictObject({ runId: UUID, offset: LOG_BYTES })).max(LIMITS.pageEntries),
    }),
  },
  wanted: {
    direction: "down",
    kind: "session",
    meaning: "a page of the pipelines this runner shall have, and of those it shall not have any more",
    duty: "collect the pages until `last`; fetch what is missing or older; delete what has a tombstone of at least its generation; leave everything else alone and report it as orphan; then send `inStep`",
    body: z.strictObject({
      pipelines: z.array(PIPELINE_KEY).max(LIMITS.pageEntries),
      tombstones: z.array(z.strictObject({ pipelineId: UUID, generation: GENERATION })).max(LIMITS.pageEntries),
      last: z.boolean(),
    }),
  },
  fetch: {
    direction: "up",
    kind: "session",
    meaning: "asks for the body of a wanted pipeline",
    duty: "send `pipeline.deploy` with the newest generation, or nothing if it is no longer wanted",
    body: z.strictObject({ pipelineId: UUID }),
  },
  inStep: {
    direction: "up",
    kind: "session",
    meaning: "the runner has asked for every difference it found",
    duty: "operations may flow from now on",
    body: z.strictObject({
      fetched: within(BOUNDS.count),
      deleted: within(BOUNDS.count),
      orphans: z
        .array(PIPELINE_KEY)
        .max(LIMITS.pageEntries)
        .describe("on the runner, but not wanted and without tombstone; left alone"),
    }),
  },
  heartbeat: {
    direction: "both",
    kind: "session",
    meaning: "I am here and had nothing else to say",
    duty: "any byte received is the sign of life; a runner notes `reconnectSpreadSeconds`",
    body: z.strictObject({ reconnectSpreadSeconds: RECONNECT_SPREAD.exactOptional() }),
  },
  ack: {
    direction: "down",
    kind: "session",
    meaning: "every update of this session up to `seq` is stored durably",
    duty: "forget them; a terminal state's object may now be removed",
    body: z.strictObject({ seq: within(BOUNDS.seq) }),
  },
  close: {
    direction: "both",
    kind: "session",
    meaning: "last frame before the socket is closed",
    duty: "act on the retry class of the close code",
    body: z.strictObject({
      name: CLOSE_NAME,
      reason: text(500),
      retryAfterSeconds: within(BOUNDS.retryAfterSeconds).exactOptional().describe("don't dial earlier"),
    }),
  },
  "pipeline.deploy": {
    direction: "down",
    kind: "operation",
    meaning: "have this pipeline, in this generation",
    duty: "store it durably, replace an older generation, set up its schedule; then `accepted`. A newer generation in place, or this one with the same hash, is `accepted` too and changes nothing",
    body: z.strictObject({ operationId: OPERATION_ID, pipeline: PIPELINE_BODY }),
  },
  "pipeline.delete": {
    direction: "down",
    kind: "operation",
    meaning: "a tombstone: this pipeline shall not exist up to this generation",
    duty: "remove it and its schedule and stop its runs; a newer generation stays. Not having it is `accepted`",
    body: z.strictObject({ operationId: OPERATION_ID, pipelineId: UUID, generation: GENERATION }),
  },
  "pipeline.stop": {
    direction: "down",
    kind: "operation",
    meaning: "stop every live run of a pipeline, also those that the gateway doesn't know of yet",
    duty: "record the intent, forget a scheduled fire that waits for a place, then `accepted`; the ends come as updates",
    body: z.strictObject({ operationId: OPERATION_ID, pipelineId: UUID }),
  },
  "run.start": {
    direction: "down",
    kind: "operation",
    meaning: "start this run of a deployed pipeline, once",
    duty: "`accepted` only after the run's object exists; `duplicate` for an id it has; `refused` with a reason otherwise",
    body: z.strictObject({
      operationId: OPERATION_ID,
      runId: UUID,
      pipelineId: UUID,
      generation: GENERATION,
      attempt: ATTEMPT,
      startBefore: TIMESTAMP.describe("server time; later the run must not start"),
      sourceConfigOverride: JSON_OBJECT.exactOptional().describe(
        "its top-level keys replace those of source.sourceConfig.config",
      ),
      appConfigOverride: JSON_OBJECT.exactOptional().describe("replaces appConfig of an application"),
    }),
  },
  "run.stop": {
    direction: "down",
    kind: "operation",
    meaning: "stop one run",
    duty: "record the intent, then `accepted`; an ended run is `duplicate` with its state; an unknown run is `answered` with null",
    body: z.strictObject({ operationId: OPERATION_ID, runId: UUID }),
  },
  "run.status": {
    direction: "down",
    kind: "operation",
    meaning: "what do you know of this run",
    duty: "`answered` with `runStatus`",
    body: z.strictObject({ operationId: OPERATION_ID, runId: UUID }),
  },
  "service.status": {
    direction: "down",
    kind: "operation",
    meaning: "is the executor able to work",
    duty: "`answered` with `serviceStatus`",
    body: z.strictObject({ operationId: OPERATION_ID }),
  },
  verdict: {
    direction: "up",
    kind: "session",
    meaning: "what became of an operation",
    duty: "note it; a verdict that got lost is made up for by the inventory of the next session",
    body: VERDICT,
  },
  "run.update": {
    direction: "up",
    kind: "update",
    meaning: "the newest state of a run",
    duty: "store it if it is news, then `ack`; acknowledge runs it doesn't know all the same",
    body: RUN_REPORT,
  },
  "run.log": {
    direction: "up",
    kind: "update",
    meaning: "a piece of a run's masked log",
    duty: "append it at its offset: drop what it has, record a gap where something is missing, then `ack`",
    body: LOG_CHUNK,
  },
};
