import type { Context } from "hono";
import type { z } from "zod";
import type { ErrorKind } from "../../base/errors.ts";
import type { ApiEnvironment } from "./dependencies.ts";

/** No fields at all. */
export type Nothing = Record<string, never>;

/** What every route of the API says of itself; docs/openapi.json is made from it. */
interface RouteBase<Query> {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** With at most one parameter: `/api/v1/runs/{runId}`. */
  readonly path: string;
  /** One line for a person, without a full stop. */
  readonly summary: string;
  /** More than a line, where it is needed. */
  readonly description?: string;
  readonly query: z.ZodType<Query>;
  /** Names in the query that may be repeated. */
  readonly lists?: readonly string[];
  /** What may be answered instead, beside what every route may (errors-of-route.ts). */
  readonly errors: readonly ErrorKind[];
}

/** A route that answers with one JSON value. */
export interface Route<Body, Query, Answer> extends RouteBase<Query> {
  /** Absent: a body is not read. */
  readonly body?: z.ZodType<Body>;
  /** Anybody may ask, without the admin token. */
  readonly open?: true;
  readonly status: 200 | 201 | 202;
  readonly answer: z.ZodType<Answer>;
  /** Which version the answer shows; sent as `ETag`. */
  etag?(answer: Answer): string;
}

/** A route that answers with server-sent events. */
export interface StreamRoute<Query> extends RouteBase<Query> {
  /** The data of each event, by the event's name. */
  readonly events: Readonly<Record<string, z.ZodType>>;
}

/** A request whose parts have the form that its route asks for. */
export interface ApiRequest<Body, Query> {
  /** The path's parameter; empty where there is none. */
  readonly id: string;
  readonly body: Body;
  readonly query: Query;
  /** The header If-Match. */
  readonly ifMatch?: string | undefined;
}

/** What serves a route. */
export type Handler<R> =
  R extends Route<infer Body, infer Query, infer Answer>
    ? (request: ApiRequest<Body, Query>) => Answer | Promise<Answer>
    : R extends StreamRoute<infer Query>
      ? (request: ApiRequest<Nothing, Query>, context: Context<ApiEnvironment>) => Promise<Response>
      : never;
