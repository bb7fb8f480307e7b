import { z } from "zod";
import { BOUNDS } from "../../protocol/bounds.ts";
import type { JsonObject, RunState, Schedule } from "../../protocol/messages.ts";
import { RUN_STATES } from "../../protocol/run-state.ts";
import { isTimeZone, readCron } from "../../protocol/schedule.ts";
import { JSON_OBJECT, within } from "../../protocol/shapes.ts";
import { MAX_LIFETIME_SECONDS } from "../auth/runner-tokens.ts";
import { cannotBeChanged, FIXED_OF_PIPELINE, FIXED_OF_SERVICE } from "./fixed-fields.ts";

/*
 * Bodies and queries of the REST API. Every object is strict: an unknown field is refused, so that a misspelt one
 * can't be ignored in silence. Refusals name paths, never values: a connection may hold what shouldn't be repeated.
 */

/** Body of `POST /api/v1/services`. */
export interface ServiceWish {
  readonly name: string;
  readonly serviceType: string;
  /** Holds references, not credentials. */
  readonly connection: JsonObject;
  readonly runnerId: string;
}

/** Body of `POST /api/v1/pipelines`. */
export interface PipelineWish {
  readonly name: string;
  readonly serviceId: string;
  readonly pipelineType: string;
  readonly sourceConfig: JsonObject;
  readonly sink?: JsonObject;
  readonly schedule?: Schedule;
  readonly timeoutSeconds?: number;
  readonly retries?: number;
  readonly retryDelaySeconds?: number;
  /** Write-only. */
  readonly botToken?: string;
}

/** What can be changed of a service. */
export type ServiceContent = Pick<ServiceWish, "serviceType" | "connection">;

/** What can be changed of a pipeline. */
export type PipelineContent = Omit<PipelineWish, "name" | "serviceId" | "pipelineType" | "botToken">;

/** A merge patch of a pipeline: null removes. */
export type PipelinePatch = {
  readonly [K in keyof Omit<PipelineContent, "sourceConfig">]: JsonObject | number | null;
} & {
  readonly sourceConfig?: JsonObject;
  /** Write-only. */
  readonly botToken?: string | null;
};

/** Body of `POST /api/v1/pipelines/:id/run`. */
export interface RunWish {
  readonly sourceConfigOverride?: JsonObject;
  readonly appConfigOverride?: JsonObject;
}

/** Body of `POST /api/v1/pipelines/:id/toggle`; without `enabled` the switch is turned over. */
export interface ToggleWish {
  readonly enabled?: boolean;
}

/** Query of `GET /api/v1/runs`. */
export interface RunListQuery {
  readonly pipelineId?: string;
  readonly runnerId?: string;
  readonly state?: readonly RunState[];
  readonly limit: number;
  readonly before?: string;
}

/** Query of `GET /api/v1/services`. */
export interface ServiceListQuery {
  readonly runnerId?: string;
  readonly limit: number;
  /** A name. */
  readonly after?: string;
}

/** Query of `GET /api/v1/pipelines`. */
export interface PipelineListQuery {
  readonly runnerId?: string;
  readonly serviceId?: string;
  readonly fullyQualifiedName?: string;
  readonly limit: number;
  /** A fully qualified name. */
  readonly after?: string;
}

/** Body of `POST /api/v1/tokens`. */
export interface TokenRequest {
  /** `*`: any. */
  readonly runnerId: string;
  /** Absent: a year. */
  readonly expiresInSeconds?: number | "never";
}

/** Query of `GET /api/v1/runs/:id/logs`, in bytes. */
export interface LogQuery {
  readonly after: number;
  readonly limit: number;
}

const MAX_LOG_PAGE = 1_048_576;

/** Without dots, because they part the names in a fully qualified name. */
const name = z.string().regex(/^[\p{L}\p{N}][\p{L}\p{N} _-]{0,127}$/u, {
  error: "must be up to 128 letters, digits, spaces, dashes and underscores, beginning with a letter or digit",
});
const typeName = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, {
  error: "must be up to 64 letters, digits, dashes and underscores, beginning with a letter",
});
const runnerId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, {
  error: "must be up to 128 letters, digits, dots, dashes and underscores, beginning with a letter or digit",
});
const schedule = z.strictObject({
  cron: z
    .string()
    .max(200)
    .superRefine((cron, context) => {
      const reading = readCron(cron);
      if ("mistake" in reading) context.addIssue({ code: "custom", message: reading.mistake });
    })
    .describe("five fields as Kubernetes reads them, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`"),
  timeZone: z.string().max(64).refine(isTimeZone, { error: "must be the IANA name of a time zone" }).default("UTC"),
});
const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, { error: "must be a whole number" })
    .transform(Number)
    .pipe(z.int().min(least).max(most));

export const SERVICE_WISH: z.ZodType<ServiceWish> = z.strictObject({
  name,
  serviceType: typeName,
  connection: JSON_OBJECT.describe("holds references (`secret:/…`), not credentials"),
  runnerId: runnerId.describe("which runner its pipelines run on"),
});

const pipelineContent = {
  sourceConfig: JSON_OBJECT,
  sink: JSON_OBJECT.exactOptional(),
  schedule: schedule.exactOptional(),
  timeoutSeconds: within(BOUNDS.timeoutSeconds).exactOptional(),
  retries: within(BOUNDS.retries)
    .exactOptional()
    .describe("how often a failed run is tried again; the executor process doesn't"),
  retryDelaySeconds: within(BOUNDS.retryDelaySeconds).exactOptional(),
};
const botToken = z.string().min(1).max(16_384).describe("of OpenMetadata; write-only");

export const PIPELINE_WISH: z.ZodType<PipelineWish> = z.strictObject({
  name,
  serviceId: z.uuid(),
  pipelineType: typeName,
  ...pipelineContent,
  botToken: botToken.exactOptional(),
});

/** What can be changed of a pipeline, as it must be after a change. */
export const PIPELINE_CONTENT: z.ZodType<PipelineContent> = z.strictObject(pipelineContent);

const removable = (schema: z.ZodType) => schema.nullable().exactOptional();

export const PIPELINE_PATCH: z.ZodType<PipelinePatch> = z.strictObject(
  {
    sourceConfig: JSON_OBJECT.exactOptional(),
    sink: removable(JSON_OBJECT),
    schedule: removable(
      z.strictObject({ cron: z.string().max(200).exactOptional(), timeZone: removable(z.string().max(64)) }),
    ),
    timeoutSeconds: removable(within(BOUNDS.timeoutSeconds)),
    retries: removable(within(BOUNDS.retries)),
    retryDelaySeconds: removable(within(BOUNDS.retryDelaySeconds)),
    botToken: botToken.nullable().exactOptional(),
  },
  { error: cannotBeChanged(FIXED_OF_PIPELINE) },
) as z.ZodType<PipelinePatch>;

/** What can be changed of a service, as it must be after a change. */
export const SERVICE_CONTENT: z.ZodType<ServiceContent> = z.strictObject({
  serviceType: typeName,
  connection: JSON_OBJECT,
});

export const SERVICE_PATCH: z.ZodType<Partial<ServiceContent>> = z.strictObject(
  {
    serviceType: typeName.exactOptional(),
    connection: JSON_OBJECT.exactOptional(),
  },
  { error: cannotBeChanged(FIXED_OF_SERVICE) },
);

/** Query of a removal that may be forced. */
export const FORCE_QUERY: z.ZodType<{ readonly force: boolean }> = z.strictObject({
  force: z
    .enum(["true", "false"])
    .default("false")
    .transform((force) => force === "true")
    .pipe(z.boolean())
    .describe("remove it although something refers to it"),
});

export const RUN_WISH: z.ZodType<RunWish> = z.strictObject({
  sourceConfigOverride: JSON_OBJECT.exactOptional(),
  appConfigOverride: JSON_OBJECT.exactOptional(),
});

export const TOGGLE_WISH: z.ZodType<ToggleWish> = z.strictObject({ enabled: z.boolean().exactOptional() });

/** Bodies and queries that carry nothing: empty, or an empty object. */
export const NOTHING: z.ZodType<Record<string, never>> = z.strictObject({});

export const RUN_LIST_QUERY: z.ZodType<RunListQuery> = z.strictObject({
  pipelineId: z.uuid().exactOptional(),
  runnerId: runnerId.exactOptional(),
  state: z.array(z.enum(RUN_STATES)).exactOptional(),
  limit: wholeNumber(1, 500).default(50),
  before: z.uuid().exactOptional().describe("`nextBefore` of the page before"),
});

const pageLimit = wholeNumber(1, 1000).default(200);

export const SERVICE_LIST_QUERY: z.ZodType<ServiceListQuery> = z.strictObject({
  runnerId: runnerId.exactOptional(),
  limit: pageLimit,
  after: z.string().max(128).exactOptional().describe("`nextAfter` of the page before"),
});

export const PIPELINE_LIST_QUERY: z.ZodType<PipelineListQuery> = z.strictObject({
  runnerId: runnerId.exactOptional(),
  serviceId: z.uuid().exactOptional(),
  fullyQualifiedName: z.string().max(257).exactOptional(),
  limit: pageLimit,
  after: z.string().max(257).exactOptional().describe("`nextAfter` of the page before"),
});

export const TOKEN_LIST_QUERY: z.ZodType<{ readonly runnerId?: string }> = z.strictObject({
  runnerId: z.union([runnerId, z.literal("*")]).exactOptional(),
});

export const TOKEN_REQUEST: z.ZodType<TokenRequest> = z.strictObject({
  runnerId: z
    .union([runnerId, z.literal("*")], { error: "must be a runner id, or * for any" })
    .describe("the only runner id the token will be good for; `*`: any"),
  expiresInSeconds: z
    .union([z.int().positive().max(MAX_LIFETIME_SECONDS), z.literal("never")], {
      error: `must be a whole number from 1 to ${MAX_LIFETIME_SECONDS}, or "never"`,
    })
    .exactOptional()
    .describe("absent: a year. Clocks may be 30 s apart, so a token is taken for as much longer"),
});

export const LOG_QUERY: z.ZodType<LogQuery> = z.strictObject({
  after: wholeNumber(0, BOUNDS.logBytes.most).default(0).describe("the byte of the log to begin with"),
  limit: wholeNumber(1, MAX_LOG_PAGE).default(65_536),
});

/** Query of the live events of a run. */
export const EVENTS_QUERY: z.ZodType<{ readonly after?: number }> = z.strictObject({
  after: wholeNumber(0, BOUNDS.logBytes.most)
    .exactOptional()
    .describe("the byte of the log to begin with; the header Last-Event-ID says the same, and this wins"),
});
