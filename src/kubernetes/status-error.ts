import { clip } from "../base/clip.ts";
import { CodedError, type ErrorKind } from "../base/errors.ts";
import { KUBERNETES_ERRORS } from "./errors.ts";
import { type ApiRequest, nameOf } from "./request.ts";

/** What a server said in place of success. */
export interface Refusal {
  readonly status: number;
  /** The body: a Status of Kubernetes, or whatever something in between sent. */
  readonly body: unknown;
  readonly retryAfterMs?: number;
}

const MAX_MESSAGE = 1500;

const BY_STATUS: Readonly<Record<number, ErrorKind>> = {
  400: KUBERNETES_ERRORS.ApiInvalid,
  401: KUBERNETES_ERRORS.ApiUnauthorized,
  403: KUBERNETES_ERRORS.ApiForbidden,
  404: KUBERNETES_ERRORS.ApiNotFound,
  405: KUBERNETES_ERRORS.ApiInvalid,
  406: KUBERNETES_ERRORS.ApiInvalid,
  409: KUBERNETES_ERRORS.ApiConflict,
  410: KUBERNETES_ERRORS.ApiExpired,
  413: KUBERNETES_ERRORS.ApiInvalid,
  415: KUBERNETES_ERRORS.ApiInvalid,
  422: KUBERNETES_ERRORS.ApiInvalid,
  429: KUBERNETES_ERRORS.ApiThrottled,
};

/** How a missing right is told, by RBAC and by whatever else authorizes. Quotas and admission forbid in other words. */
const RIGHT_MISSING = /is forbidden: User "[^"]*" cannot \w+ /;
const RULE_ADVICE =
  "Read the server's words: a quota or an admission rule of the namespace, or its removal, forbids it, and no right is missing";

/** Refusals that the server, or what limits its load, also sends without a Status. */
const ALSO_PLAIN: readonly number[] = [401, 404, 429];

/**
 * A refusal as an error that names verb, resource, object and the server's own words. `facts`: `status`, `reason`, `verb`, `resource`,
 * `namespace`, `name`, `serverMessage` and, when told, `retryAfterMs`.
 */
export function refused(request: ApiRequest, refusal: Refusal): CodedError {
  const { status } = refusal;
  const told = isStatus(refusal.body) ? refusal.body : undefined;
  const reason = text(told?.["reason"]);
  const said = serverWords(request, status, told);
  const kind = kindOf(status, reason, told !== undefined);
  const words = [`the API server answers ${status}`, reason].filter((part) => part !== "").join(" ");
  const isRule = kind === KUBERNETES_ERRORS.ApiForbidden && said !== "" && !RIGHT_MISSING.test(said);
  return new CodedError(kind, `Cannot ${nameOf(request)}: ${said === "" ? words : `${words}: ${said}`}`, {
    ...(isRule ? { advice: RULE_ADVICE } : {}),
    facts: {
      status,
      reason,
      verb: request.verb,
      resource: request.resource,
      serverMessage: said,
      ...(request.namespace === undefined ? {} : { namespace: request.namespace }),
      ...(request.name === undefined ? {} : { name: request.name }),
      ...(refusal.retryAfterMs === undefined ? {} : { retryAfterMs: refusal.retryAfterMs }),
    },
  });
}

/** The refusal in a watch's ERROR event, which carries a Status with the code inside. */
export function refusalOf(status: unknown): Refusal {
  const code = isStatus(status) ? status["code"] : undefined;
  return { status: typeof code === "number" ? code : 500, body: status };
}

/** Milliseconds of a Retry-After header; a date is left aside, since the API server sends seconds. */
export function retryAfterMs(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,5}$/.test(header.trim()) ? Number(header) * 1000 : undefined;
}

function kindOf(status: number, reason: string, isKubernetes: boolean): ErrorKind {
  if (status >= 500) return KUBERNETES_ERRORS.ApiUnavailable;
  if (!isKubernetes && !ALSO_PLAIN.includes(status)) return KUBERNETES_ERRORS.ApiAnswerUnreadable;
  if (reason === "AlreadyExists") return KUBERNETES_ERRORS.ApiAlreadyExists;
  if (reason === "Expired") return KUBERNETES_ERRORS.ApiExpired;
  return BY_STATUS[status] ?? KUBERNETES_ERRORS.ApiAnswerUnreadable;
}

/**
 * Admission says which rule refuses; a validation quotes what it finds, after other first words. Policies and webhooks choose
 * the status, 422 among them, and their causes name no field.
 */
const RULE_SAYS = /^(admission webhook "[^"]*" denied |\S+ "[^"\s]*" is forbidden: )/;

/** About a body that holds secrets only a rule's words and names of fields are repeated: a parser quotes what stands around a mistake. */
function serverWords(request: ApiRequest, status: number, told: Readonly<Record<string, unknown>> | undefined): string {
  if (told === undefined) return "";
  const message = text(told["message"]);
  const quotes = request.confidential === true && [400, 413, 422].includes(status);
  if (!quotes || RULE_SAYS.test(message)) return clip(message, MAX_MESSAGE);
  const details = told["details"];
  const causes = isObject(details) && Array.isArray(details["causes"]) ? details["causes"] : [];
  const fields = causes.flatMap((cause) => (isObject(cause) ? fieldOf(cause) : []));
  if (fields.length === 0) return "its words are left out, since they may quote the content";
  return clip(`see ${fields.join(", ")}`, MAX_MESSAGE);
}

function fieldOf(cause: Readonly<Record<string, unknown>>): readonly string[] {
  const [field, reason] = [text(cause["field"]), text(cause["reason"])];
  if (field === "") return [];
  return [reason === "" ? field : `${field} (${reason})`];
}

function isStatus(value: unknown): value is Readonly<Record<string, unknown>> {
  return isObject(value) && value["kind"] === "Status";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
