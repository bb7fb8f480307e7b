import { z } from "zod";
import type { JsonObject, RunState, Schedule } from "../../protocol/messages.ts";
import { RUN_STATES } from "../../protocol/run-state.ts";

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
  /** Write-only. */
  readonly botToken?: string;
}

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
const jsonObject: z.ZodType<JsonObject> = z.record(z.string(), z.json());
const schedule = z.strictObject({
  cron: z
    .string()
    .regex(/^[\w*/,?#-]+( +[\w*/,?#-]+){4}$/, { error: "must have the five fields of cron" })
    .max(200),
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
  connection: jsonObject,
  runnerId,
});

export const PIPELINE_WISH: z.ZodType<PipelineWish> = z.strictObject({
  name,
  serviceId: z.uuid(),
  pipelineType: typeName,
  sourceConfig: jsonObject,
  sink: jsonObject.exactOptional(),
  schedule: schedule.exactOptional(),
  timeoutSeconds: z.int().positive().max(31_536_000).exactOptional(),
  botToken: z.string().min(1).max(16_384).exactOptional(),
});

export const RUN_WISH: z.ZodType<RunWish> = z.strictObject({
  sourceConfigOverride: jsonObject.exactOptional(),
  appConfigOverride: jsonObject.exactOptional(),
});

export const TOGGLE_WISH: z.ZodType<ToggleWish> = z.strictObject({ enabled: z.boolean().exactOptional() });

/** Bodies that carry nothing: empty, or an empty object. */
export const NOTHING: z.ZodType<Record<string, never>> = z.strictObject({});

export const RUN_LIST_QUERY: z.ZodType<RunListQuery> = z.strictObject({
  pipelineId: z.uuid().exactOptional(),
  runnerId: runnerId.exactOptional(),
  state: z.array(z.enum(RUN_STATES)).exactOptional(),
  limit: wholeNumber(1, 500).default(50),
  before: z.uuid().exactOptional(),
});

export const LOG_QUERY: z.ZodType<LogQuery> = z.strictObject({
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(0),
  limit: wholeNumber(1, MAX_LOG_PAGE).default(65_536),
});

/** Query of the live events of a run. */
export const EVENTS_QUERY: z.ZodType<{ readonly after?: number }> = z.strictObject({
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER).exactOptional(),
});

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
