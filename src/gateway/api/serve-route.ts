import type { Context, Hono } from "hono";
import { API_ROUTES, type ApiRoutes } from "./catalogue.ts";
import type { ApiEnvironment } from "./dependencies.ts";
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
}

function serve(app: Hono<ApiEnvironment>, route: AnyRoute, handler: AnyHandler): void {
  const path = route.path.replace(/\{\w+\}/, ":id");
  app.on(route.method, path, async (c) => {
    const query = readQuery(c, route.query, route.lists);
    if ("events" in route) return (await handler({ id: pathId(c), query, body: {} }, c)) as Response;
    const body = route.body === undefined ? ({} satisfies Nothing) : await readBody(c, route.body);
    return c.json((await handler({ id: pathId(c), query, body }, c)) as object, route.status);
  });
}
