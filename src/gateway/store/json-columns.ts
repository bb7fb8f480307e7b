import { isJsonObject, parseExact } from "../../base/exact-json.ts";
import { fields, oneOf, optional, readShape, type Shape, text, textLike, whole } from "../../base/shape.ts";
import { BOUNDS } from "../../protocol/bounds.ts";
import { FAILURE_CATEGORIES, type FailureCategory } from "../../protocol/failure-category.ts";
import type { Failure, JsonObject, LogEnd, Schedule } from "../../protocol/messages.ts";
import { FAILURE } from "../../protocol/shapes.ts";
import type { RunRecord, StartRefusal } from "./store.ts";

/* Columns that hold JSON. Their errors name the column and no value: a connection may hold what shouldn't be repeated. */

/** JSON text of a value, or null when there is none. */
export function toJson(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

/** An object. @throws Error */
export function objectIn(column: string, value: string): JsonObject {
  const parsed = parse(column, value);
  if (!isJsonObject(parsed)) throw wrong(column);
  return parsed as JsonObject;
}

/** An object, or null. @throws Error */
export function maybeObjectIn(column: string, value: string | null): JsonObject | null {
  return value === null ? null : objectIn(column, value);
}

/** When a pipeline runs by itself, or null. @throws Error */
export function scheduleIn(column: string, value: string | null): Schedule | null {
  return value === null ? null : shaped(SCHEDULE, column, parse(column, value));
}

/** What a complete log must come to, or null. @throws Error */
export function logEndIn(column: string, value: string | null): LogEnd | null {
  return value === null ? null : shaped(LOG_END, column, parse(column, value));
}

/** Why a run failed, or null. @throws Error */
export function failureIn(column: string, value: string | null): Failure | null {
  if (value === null) return null;
  const { data } = FAILURE.safeParse(parse(column, value));
  if (data === undefined) throw wrong(column);
  return data;
}

/** Why a runner didn't take a run, or null. @throws Error */
export function refusalIn(column: string, value: string | null): StartRefusal | null {
  return value === null ? null : shaped(REFUSAL, column, parse(column, value));
}

/** Missing pieces of a log, in their order. @throws Error */
export function gapsIn(column: string, value: string | null): RunRecord["logGaps"] {
  const gaps = value === null ? [] : (parse(column, value) as readonly (readonly [number, number])[]);
  const place = whole(BOUNDS.logBytes);
  for (const [offset, bytes] of gaps) {
    shaped(place, column, offset);
    shaped(place, column, bytes);
  }
  return [...gaps].sort(([one], [other]) => one - other);
}

const SCHEDULE: Shape<Schedule> = fields<Schedule>({ cron: text, timeZone: text });
const REFUSAL: Shape<StartRefusal> = fields<StartRefusal>({
  message: text,
  advice: text,
  category: optional(oneOf(...(Object.keys(FAILURE_CATEGORIES) as FailureCategory[]))),
});
const LOG_END: Shape<LogEnd> = fields<LogEnd>({
  bytes: whole(BOUNDS.logBytes),
  sha256: textLike(/^[0-9a-f]{64}$/, "a SHA-256 in hexadecimal digits"),
});

function shaped<T>(shape: Shape<T>, column: string, value: unknown): T {
  const answer = readShape(shape, value);
  if (answer.problems !== undefined) throw wrong(column);
  return answer.value;
}

/** The parser's own message would quote the text. */
function parse(column: string, value: string): unknown {
  try {
    return parseExact(value);
  } catch {
    throw wrong(column);
  }
}

function wrong(column: string): Error {
  return new Error(`${column} doesn't hold the JSON that it must`);
}
