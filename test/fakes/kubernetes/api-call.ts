import type { IncomingMessage } from "node:http";
import { KINDS, type Kind } from "./kinds.ts";
import type { Deed } from "./rights.ts";
import { badRequest, StatusError } from "./status.ts";

/** One request, understood. */
export interface ApiCall {
  readonly deed: Deed;
  /** Undefined for what is no kept object: version, access reviews. */
  readonly kind?: Kind;
  readonly query: URLSearchParams;
  readonly token: string | undefined;
  readonly userAgent: string;
  readonly contentType: string;
  readonly target: string;
  readonly body?: unknown;
}

const VERBS: Readonly<Record<string, string>> = { POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };

/** Reads a request: its path, its query and its JSON body. @throws StatusError 400, 404 */
export async function readCall(request: IncomingMessage): Promise<ApiCall> {
  const url = new URL(request.url ?? "/", "http://cluster");
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const place = placeOf(url.pathname);
  if (place === undefined)
    throw new StatusError(404, "NotFound", "the server could not find the requested resource", {});
  const { kind, ...rest } = place;
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  return {
    deed: { ...rest, verb: verbOf(request.method ?? "GET", place, url.searchParams) },
    ...(kind === undefined ? {} : { kind }),
    query: url.searchParams,
    token,
    userAgent: request.headers["user-agent"] ?? "",
    contentType: (request.headers["content-type"] ?? "").split(";")[0] ?? "",
    target: request.url ?? "/",
    ...(text === "" ? {} : { body: parse(text) }),
  };
}

interface Place extends Omit<Deed, "verb"> {
  readonly kind?: Kind;
}

/** `/api/v1/namespaces/n/pods/p/log` and the like. */
function placeOf(path: string): Place | undefined {
  if (path === "/version") return { group: "", resource: "version" };
  const parts = path
    .split("/")
    .filter((part) => part !== "")
    .map(decodeURIComponent);
  const group = parts[0] === "api" ? "" : parts[1];
  const rest = parts.slice(parts[0] === "api" ? 2 : 3);
  if (group === undefined || (parts[0] !== "api" && parts[0] !== "apis")) return undefined;
  if (group === "authorization.k8s.io" && rest[0] === "selfsubjectaccessreviews") {
    return { group, resource: "selfsubjectaccessreviews" };
  }
  const inNamespace = rest[0] === "namespaces" && rest.length > 2;
  const [resource = "", name, subresource] = inNamespace ? rest.slice(2) : rest;
  const kind = KINDS.find((candidate) => candidate.plural === resource && candidate.group === group);
  if (kind === undefined) return undefined;
  return { group, resource, subresource, name, namespace: inNamespace ? rest[1] : undefined, kind };
}

function verbOf(method: string, place: Place, query: URLSearchParams): string {
  if (method !== "GET") {
    const verb = VERBS[method] ?? method.toLowerCase();
    return verb === "delete" && place.name === undefined ? "deletecollection" : verb;
  }
  if (["1", "true"].includes(query.get("watch") ?? "")) return "watch";
  return place.name === undefined && place.kind !== undefined ? "list" : "get";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest("the object provided is unrecognized (must be of type JSON)");
  }
}
