import type { z } from "zod";
import type { ErrorKind } from "../../base/errors.ts";
import type { Nothing, Route } from "./route.ts";
import { NOTHING } from "./schemas.ts";

/** A route that reads. */
export function read<A>(path: string, summary: string, answer: z.ZodType<A>): Route<Nothing, Nothing, A> {
  return { method: "GET", path, summary, query: NOTHING, status: 200, answer, errors: [] };
}

/** A route that changes something. */
export function change<A>(
  path: string,
  summary: string,
  more: Pick<Route<Nothing, Nothing, A>, "status" | "answer" | "errors">,
): Route<Nothing, Nothing, A> {
  return { method: "POST", path, summary, query: NOTHING, body: NOTHING, ...more };
}

/** A route that takes a merge patch. */
export function patch<A>(path: string, summary: string, answer: z.ZodType<A>): Route<Nothing, Nothing, A> {
  return { method: "PATCH", path, summary, query: NOTHING, status: 200, answer, errors: [] };
}

/** A route that removes something. */
export function remove<A>(
  path: string,
  summary: string,
  answer: z.ZodType<A>,
  errors: readonly ErrorKind[],
): Route<Nothing, Nothing, A> {
  return { method: "DELETE", path, summary, query: NOTHING, status: 200, answer, errors };
}
