import { CodedError, isKind } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { GATEWAY_ERRORS } from "../errors.ts";
import { API_ERRORS } from "./errors.ts";

/** HTTP status by error code; what is not listed is 500. */
export const ERROR_STATUS: Readonly<Record<string, number>> = {
  BadRequest: 400,
  PipelineTooLarge: 400,
  AdminTokenRefused: 401,
  NotFound: 404,
  MethodNotAllowed: 405,
  NameTaken: 409,
  ServiceInUse: 409,
  PipelineNotDeployed: 409,
  ChangedMeanwhile: 409,
  RunnerInUse: 409,
  PreconditionFailed: 412,
  BodyTooLarge: 413,
  TooManyFailures: 429,
  TooManyStreams: 429,
  StoreUnavailable: 503,
  RunnerNotConnected: 503,
  RunnerBusy: 503,
  VerdictTimedOut: 504,
  RecordUnreadable: 500,
};

/** The body of every answer that isn't a success. */
export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly advice: string;
}

/** Turns what a handler threw into its answer. What the caller can't help is logged here and told without its cause. */
export function errorResponse(error: unknown, log: Log): Response {
  if (isKind(error, GATEWAY_ERRORS.StoreUnavailable)) {
    log.error("A request failed", { error });
    const message = "Cannot serve the request: the gateway's database can't be used now";
    return answer(503, new CodedError(GATEWAY_ERRORS.StoreUnavailable, message));
  }
  const status = error instanceof CodedError ? ERROR_STATUS[error.code] : undefined;
  if (!(error instanceof CodedError) || status === undefined) {
    log.error("A request failed", { error });
    return answer(500, new CodedError(API_ERRORS.RequestFailed, "Cannot serve the request: the gateway failed"));
  }
  return answer(status, error);
}

function answer(status: number, error: CodedError): Response {
  const body: ErrorBody = { code: error.code, message: error.message, advice: error.advice };
  const headers: Record<string, string> = {};
  if (status === 401) headers["WWW-Authenticate"] = "Bearer";
  const wait = error.facts["retryAfterSeconds"];
  if (status === 405) headers["Allow"] = String(error.facts["allow"]);
  if (status === 429) headers["Retry-After"] = String(wait ?? 10);
  return Response.json(body, { status, headers });
}
