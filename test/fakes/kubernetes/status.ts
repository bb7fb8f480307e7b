import type { Kind } from "./kinds.ts";
import type { Deed } from "./rights.ts";

/** A cause of an `Invalid` answer. */
export interface Cause {
  readonly field: string;
  readonly message: string;
  readonly reason: "FieldValueInvalid" | "FieldValueRequired" | "FieldValueNotSupported" | "FieldValueTooLong";
}

/** What a Status says an answer is about. */
export interface StatusDetails {
  readonly name?: string | undefined;
  readonly group?: string | undefined;
  readonly kind?: string | undefined;
  readonly uid?: string | undefined;
  readonly causes?: readonly Cause[];
  readonly retryAfterSeconds?: number;
}

/** A refusal of the API server; its body is a `Status`, worded as the real server's. */
export class StatusError extends Error {
  readonly code: number;
  readonly body: Readonly<Record<string, unknown>>;

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.code = code;
    const shown = details === undefined ? {} : { details: withoutEmpty(details) };
    this.body = { ...HEAD, status: "Failure", message, reason, ...shown, code };
  }
}

const HEAD = { kind: "Status", apiVersion: "v1", metadata: {} } as const;

/** What a delete of most kinds answers. */
export function success(kind: Kind, name: string, uid: string | undefined): Readonly<Record<string, unknown>> {
  return { ...HEAD, status: "Success", details: withoutEmpty({ name, group: kind.group, kind: kind.plural, uid }) };
}

export function notFound(kind: Pick<Kind, "group" | "plural">, name: string): StatusError {
  return new StatusError(404, "NotFound", `${fullName(kind)} "${name}" not found`, about(kind, name));
}

export function alreadyExists(kind: Kind, name: string): StatusError {
  return new StatusError(409, "AlreadyExists", `${fullName(kind)} "${name}" already exists`, about(kind, name));
}

export function changedInBetween(kind: Kind, name: string): StatusError {
  const state = "the object has been modified; please apply your changes to the latest version and try again";
  const message = `Operation cannot be fulfilled on ${fullName(kind)} "${name}": ${state}`;
  return new StatusError(409, "Conflict", message, about(kind, name));
}

export function anotherUid(kind: Kind, name: string, wanted: string, found: string | undefined): StatusError {
  const kindName = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
  const state = `the UID in the precondition (${wanted}) does not match the UID in record (${found})`;
  const message = `Operation cannot be fulfilled on ${kindName} "${name}": ${state}. The object might have been deleted and then recreated`;
  return new StatusError(409, "Conflict", message, { name, group: kind.group, kind: kind.kind });
}

export function invalid(kind: Kind, name: string, causes: readonly Cause[]): StatusError {
  const kindName = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
  const all = causes.map(({ field, message }) => `${field}: ${message}`);
  const message = `${kindName} "${name}" is invalid: ${all.length === 1 ? all[0] : `[${all.join(", ")}]`}`;
  return new StatusError(422, "Invalid", message, { name, group: kind.group, kind: kind.kind, causes });
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, "BadRequest", message);
}

export function unauthorized(): StatusError {
  return new StatusError(401, "Unauthorized", "Unauthorized");
}

export function forbidden(user: string, deed: Deed): StatusError {
  const { group, name, namespace, resource, subresource, verb } = deed;
  const thing = subresource === undefined ? resource : `${resource}/${subresource}`;
  const object = group === "" ? resource : `${resource}.${group}`;
  const subject = name === undefined ? object : `${object} "${name}"`;
  const place = namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const message = `${subject} is forbidden: User "${user}" cannot ${verb} resource "${thing}" in API group "${group}" ${place}`;
  return new StatusError(403, "Forbidden", message, { name, group, kind: resource });
}

export function expired(message: string): StatusError {
  return new StatusError(410, "Expired", message);
}

/** `jobs.batch`, `pods`. */
function fullName(kind: Pick<Kind, "group" | "plural">): string {
  return kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
}

function about(kind: Pick<Kind, "group" | "plural">, name: string): StatusDetails {
  return { name, group: kind.group, kind: kind.plural };
}

function withoutEmpty(details: StatusDetails): StatusDetails {
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined && value !== ""));
}
