import type { ErrorKind } from "../../base/errors.ts";
import { AUTH_ERRORS } from "../auth/errors.ts";
import { GATEWAY_ERRORS } from "../errors.ts";
import { API_ERRORS } from "./errors.ts";
import type { Route, StreamRoute } from "./route.ts";

/** Everything that a route may answer instead of what was asked for: its own errors, and those of every such route. */
export function errorsOfRoute(route: Route<never, never, unknown> | StreamRoute<never>): readonly ErrorKind[] {
  const guarded = !("open" in route && route.open === true);
  const takesBody = "body" in route && route.body !== undefined;
  return [
    API_ERRORS.BadRequest,
    ...(takesBody ? [API_ERRORS.BodyTooLarge] : []),
    ...(guarded ? [AUTH_ERRORS.AdminTokenRefused, AUTH_ERRORS.TooManyFailures] : []),
    ...route.errors,
    ...(route.path.includes("{") ? [GATEWAY_ERRORS.RecordUnreadable] : []),
    GATEWAY_ERRORS.StoreUnavailable,
    API_ERRORS.RequestFailed,
  ];
}
