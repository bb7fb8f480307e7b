import type { Context } from "hono";
import type { z } from "zod";
import { CodedError } from "../../base/errors.ts";
import { jsonMistake } from "../../base/json-mistake.ts";
import { LIMITS } from "../../protocol/limits.ts";
import { mistakesIn, plainWords } from "../../protocol/plain-words.ts";
import { readWireJson } from "../../protocol/wire-json.ts";
import { type RowKind, unreadable } from "../store/readable.ts";
import type { Store } from "../store/store.ts";
import type { ApiEnvironment } from "./dependencies.ts";
import { API_ERRORS } from "./errors.ts";

const MAX_BODY_BYTES = 1_048_576;
/** What is taken here travels inside a frame, which has its own levels. */
const MAX_DEPTH = LIMITS.maxDepth - 20;

/** The JSON body in the form of `schema`; an empty body counts as an empty object. @throws CodedError BadRequest, BodyTooLarge */
export async function readBody<T>(c: Context<ApiEnvironment>, schema: z.ZodType<T>): Promise<T> {
  const text = await readText(c);
  const read = readWireJson(text.trim() === "" ? "{}" : text, MAX_DEPTH);
  if ("mistake" in read) {
    const where = jsonMistake(text);
    const message = `Cannot read the body: it is ${read.mistake}${where === undefined ? "" : `: ${where}`}`;
    throw new CodedError(API_ERRORS.BadRequest, message);
  }
  return check("the body", read.value, schema);
}

/** The query in the form of `schema`; names in `lists` may be repeated. @throws CodedError BadRequest */
export function readQuery<T>(c: Context<ApiEnvironment>, schema: z.ZodType<T>, lists: readonly string[] = []): T {
  const given = Object.entries(c.req.queries());
  const value = Object.fromEntries(given.map(([name, values]) => [name, lists.includes(name) ? values : values[0]]));
  return check("the query", value, schema);
}

/** A path parameter. */
export function pathId(c: Context<ApiEnvironment>): string {
  return c.req.param("id") ?? "";
}

/** The error of something that the store doesn't give: there is none, or its row can't be read. Ids come from the request, so only short plain ones are repeated. */
export function notFound(store: Pick<Store, "isUnreadable">, what: RowKind, id: string): CodedError {
  if (store.isUnreadable(what, id)) return unreadable(what, id, "its row in the database is damaged");
  const shown = /^[\w.-]{1,128}$/.test(id) ? id : "of this id";
  return new CodedError(API_ERRORS.NotFound, `Cannot find ${what} ${shown}: there is none`);
}

async function readText(c: Context<ApiEnvironment>): Promise<string> {
  if (Number(c.req.header("content-length") ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  for await (const chunk of c.req.raw.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw tooLarge();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function tooLarge(): CodedError {
  const message = `Cannot read the body: it is larger than ${MAX_BODY_BYTES} bytes`;
  return new CodedError(API_ERRORS.BodyTooLarge, message);
}

/** A value in the form of `schema`. @throws CodedError BadRequest that names the places */
export function check<T>(what: string, value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value, { error: plainWords });
  if (parsed.success) return parsed.data;
  throw new CodedError(API_ERRORS.BadRequest, `Cannot read ${what}: ${mistakesIn(parsed.error, 10).join("; ")}`);
}
