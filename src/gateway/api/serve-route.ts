import type { Context, Hono } from "hono";
import { CodedError } from "../../base/errors.ts";
import { API_ROUTES, type ApiRoutes } from "./catalogue.ts";
import type { ApiEnvironment } from "./dependencies.ts";
import { API_ERRORS } from "./errors.ts";
import { pathId, readBody, readQuery } from "./read-request.ts";
import type { ApiRequest, Handler, Nothing, Route, StreamRoute } from "./route.ts";

/** One handler for each of these routes. */
export type Handlers<Name extends keyof ApiRoutes = keyof ApiRoutes> = {
  readonly [N in Name]: Handler<ApiRoutes[N]>;
};

type AnyRoute = Route<unknown, unknown, unknown> | StreamRoute<unknown>;
type AnyHandler = (request: ApiRequest<unknown, unknown>, context: Context<ApiEnvironment>) => unknown;

/** Puts every route of the catalogue on the server. A handler gets only what has the form its route asks for. */
export function serveRoutes(app: Hono<ApiEnvironment>, handlers: Handlers): void {
  for (const name of Object.keys(API_ROUTES) as (keyof ApiRoutes)[]) {
    serve(app, API_ROUTES[name] as AnyRoute, handlers[name] as AnyHandler);
  }
  const methods = Map.groupBy(Object.values(API_ROUTES) as AnyRoute[], ({ path }) => pathPattern(path));
  // Behind the routes, so that it is reached by their other methods only.
  for (const [path, routes] of methods) app.all(path, (c) => refuseMethod(c.req.method, routes));
}

/** @throws CodedError MethodNotAllowed with the fact `allow` */
function refuseMethod(method: string, routes: readonly AnyRoute[]): never {
  const allow = routes.flatMap(({ method: own }) => (own === "GET" ? [own, "HEAD"] : [own])).join(", ");
  const message = `Cannot serve the request: this address has no ${method}, only ${allow}`;
  throw new CodedError(API_ERRORS.MethodNotAllowed, message, { facts: { allow } });
}

function pathPattern(path: string): string {
  return path.replace(/\{\w+\}/, ":id");
}

function serve(app: Hono<ApiEnvironment>, route: AnyRoute, handler: AnyHandler): void {
  app.on(route.method, pathPattern(route.path), async (c) => {
    const query = readQuery(c, route.query, route.lists);
    if ("events" in route) return (await handler({ id: pathId(c), query, body: {} }, c)) as Response;
    const body = route.body === undefined ? ({} satisfies Nothing) : await readBody(c, route.body);
    const answer = (await handler({ id: pathId(c), query, body, ifMatch: c.req.header("if-match") }, c)) as object;
    if (route.etag !== undefined) c.header("ETag", route.etag(answer));
    return c.json(answer, route.status);
  });
}
