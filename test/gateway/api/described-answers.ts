import { expect } from "vitest";
import type { z } from "zod";
import { API_ROUTES } from "../../../src/gateway/api/catalogue.ts";
import { ERROR_STATUS } from "../../../src/gateway/api/error-response.ts";
import { errorsOfRoute } from "../../../src/gateway/api/errors-of-route.ts";
import type { Route, StreamRoute } from "../../../src/gateway/api/route.ts";
import { ERROR_VIEW } from "../../../src/gateway/api/views.ts";

/** A route of the catalogue whose parts' types don't matter. */
export type AnyRoute = Route<never, never, unknown> | StreamRoute<never>;

/** The catalogue's routes with their names. */
export const ROUTES: readonly (readonly [string, AnyRoute])[] = Object.entries(API_ROUTES) as [string, AnyRoute][];

/** The route that serves this path, or undefined. */
export function routeOf(method: string, path: string): AnyRoute | undefined {
  const plain = path.split("?")[0] ?? "";
  const fits = ROUTES.filter(
    ([, route]) => route.method === method && new RegExp(`^${route.path.replace(/\{\w+\}/, "[^/]+")}$`).test(plain),
  );
  // A fixed name wins over a parameter, as it does at the server.
  return (fits.find(([, route]) => !route.path.includes("{")) ?? fits[0])?.[1];
}

/** Holds a real answer against what the catalogue says of its route; fails where they differ. */
export function expectDescribed(method: string, path: string, status: number, body: unknown): void {
  const what = `${method} ${path} ${status}`;
  const route = routeOf(method, path);
  if (status < 400) {
    if (route === undefined || !("answer" in route)) throw new Error(`${what} is not in the catalogue`);
    expect(status, what).toBe(route.status);
    expectShape(route.answer, body, what);
    return;
  }
  expectShape(ERROR_VIEW, body, what);
  const { code } = body as { code: string };
  expect(status, what).toBe(ERROR_STATUS[code] ?? 500);
  if (route === undefined)
    expect(["NotFound", "MethodNotAllowed", "AdminTokenRefused", "TooManyFailures"], what).toContain(code);
  else
    expect(
      errorsOfRoute(route).map((kind) => kind.code),
      what,
    ).toContain(code);
}

/** Fails with the places that are not of the shape. */
export function expectShape(shape: z.ZodType, value: unknown, what: string): void {
  const issues = shape.safeParse(value).error?.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  expect(issues ?? [], what).toEqual([]);
}
