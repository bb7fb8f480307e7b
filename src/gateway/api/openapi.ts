import { z } from "zod";
import type { Json, JsonObject } from "../../protocol/messages.ts";
import { VERSION } from "../../version.ts";
import { API_ROUTES } from "./catalogue.ts";
import { ERROR_STATUS } from "./error-response.ts";
import { errorsOfRoute } from "./errors-of-route.ts";
import type { Route, StreamRoute } from "./route.ts";
import { ERROR_VIEW } from "./views.ts";

type AnyRoute = Route<unknown, unknown, unknown> | StreamRoute<unknown>;
type Schema = { [name: string]: Json };

const DESCRIPTION = `The REST API of the gateway. Every request but the one for health carries the admin token as bearer.

Unknown fields in bodies and queries are refused. Later versions may answer with more fields than these; expect that.
Times are RFC 3339 texts in UTC with milliseconds, lengths and offsets of logs are bytes. Runners don't use this API: docs/protocol.md.`;

const ERROR_TEXTS: Readonly<Record<number, string>> = {
  400: "The request is not of the form it must have",
  401: "The admin token is missing or wrong",
  404: "There is none of this id",
  409: "It does not go with what is there",
  412: "It is another version than If-Match asks for",
  413: "The body is too large",
  429: "Too many; the header Retry-After says how many seconds to wait",
  500: "The gateway failed; its log says why",
};

/** The OpenAPI 3.1 document of the whole API, made from the very schemas that requests are checked with. */
export function openApiDocument(): JsonObject {
  const shared = new Map<string, Schema>();
  const paths: Record<string, Record<string, Json>> = {};
  for (const [name, route] of Object.entries(API_ROUTES) as [string, AnyRoute][]) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(name, route, shared) };
  }
  schemaOf(ERROR_VIEW, "output", shared);
  return {
    openapi: "3.1.1",
    info: { title: "Hybrid Runner gateway", version: VERSION, description: DESCRIPTION },
    servers: [{ url: "http://127.0.0.1:8580", description: "where a gateway listens by default" }],
    security: [{ adminToken: [] }],
    paths,
    components: {
      securitySchemes: { adminToken: { type: "http", scheme: "bearer" } },
      schemas: Object.fromEntries([...shared].sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  };
}

function operation(name: string, route: AnyRoute, shared: Map<string, Schema>): JsonObject {
  const open = "open" in route && route.open === true;
  return {
    operationId: name,
    tags: [route.path.split("/")[3]?.replace(/\..*/, "") ?? "gateway"],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(open ? { security: [] } : {}),
    parameters: [...pathParameters(route), ...queryParameters(route, shared)],
    ...("body" in route && route.body !== undefined ? { requestBody: requestBody(route.body, shared) } : {}),
    responses: { ...success(route, shared), ...failures(route) },
  };
}

function pathParameters({ path }: AnyRoute): Json[] {
  const name = /\{(\w+)\}/.exec(path)?.[1];
  return name === undefined ? [] : [{ name, in: "path", required: true, schema: { type: "string" } }];
}

/** What a reader may write: the form before defaults are filled in, but numbers as numbers. */
function queryParameters(route: AnyRoute, shared: Map<string, Schema>): Json[] {
  const { properties = {} } = schemaOf(route.query, "output", shared);
  return Object.entries(properties as Record<string, Schema>).map(([name, field]) => {
    const { description, ...schema } = field;
    return { name, in: "query", required: false, ...(description === undefined ? {} : { description }), schema };
  });
}

function requestBody(body: z.ZodType, shared: Map<string, Schema>): Json {
  const schema = schemaOf(body, "input", shared);
  const required = Array.isArray(schema["required"]) && schema["required"].length > 0;
  return { required, content: { "application/json": { schema } } };
}

function success(route: AnyRoute, shared: Map<string, Schema>): Record<string, Json> {
  if ("answer" in route) {
    const schema = schemaOf(route.answer, "output", shared);
    return { [route.status]: { description: "Success", content: { "application/json": { schema } } } };
  }
  const events = Object.entries(route.events).map(
    ([name, event]) => [name, schemaOf(event, "output", shared)] as const,
  );
  const content = {
    "text/event-stream": { schema: { type: "string" }, "x-events": Object.fromEntries(events) },
  };
  return { 200: { description: "Server-sent events; `x-events` has the data of each", content } };
}

function failures(route: AnyRoute): Record<string, Json> {
  const codes = errorsOfRoute(route as Route<never, never, unknown>).map(
    ({ code }) => [ERROR_STATUS[code] ?? 500, code] as const,
  );
  const byStatus = Map.groupBy(codes, ([status]) => status);
  const responses = [...byStatus].map(([status, rows]) => {
    const description = `${ERROR_TEXTS[status] ?? "Failure"}: ${rows.map(([, code]) => `\`${code}\``).join(", ")}`;
    const content = { "application/json": { schema: { $ref: "#/components/schemas/Error" } } };
    return [status, { description, content }] as const;
  });
  return Object.fromEntries(responses);
}

/** JSON Schema of a shape; shapes with a name go to `shared` and are pointed to. */
function schemaOf(shape: z.ZodType, io: "input" | "output", shared: Map<string, Schema>): Schema {
  const made = z.toJSONSchema(shape, { io });
  const { $schema: _, $defs = {}, id, ...schema } = relaxed(made as Json, io === "output") as Schema;
  for (const [name, definition] of Object.entries($defs as Record<string, Schema>)) {
    if (name.startsWith("__")) shared.set("Json", { description: "any JSON value" });
    else shared.set(name, withoutId(definition));
  }
  if (typeof id !== "string") return schema;
  shared.set(id, schema);
  return { $ref: `#/components/schemas/${id}` };
}

/** Points to the components, leaves out what says nothing, and lets readers of answers take fields that come later. */
function relaxed(value: Json, answer: boolean): Json {
  if (Array.isArray(value)) return value.map((item) => relaxed(item, answer));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).flatMap(([name, field]): [string, Json][] => {
    if (answer && name === "additionalProperties" && field === false) return [];
    if (name === "maximum" && field === Number.MAX_SAFE_INTEGER) return [];
    if (name === "pattern" && value["format"] === "uuid") return [];
    if (name !== "$ref" || typeof field !== "string") return [[name, relaxed(field, answer)]];
    const target = field.replace("#/$defs/", "");
    return [[name, `#/components/schemas/${target.startsWith("__") ? "Json" : target}`]];
  });
  return Object.fromEntries(entries);
}

function withoutId({ id: _, ...schema }: Schema): Schema {
  return schema;
}
