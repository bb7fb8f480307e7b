import type { ServerResponse } from "node:http";
import type { Clock } from "../../../src/base/clock.ts";
import type { ApiCall } from "./api-call.ts";
import { type ApiHandler, type StreamLimits, sendJson } from "./api-server.ts";
import type { DeleteRequest } from "./deletion.ts";
import { isFields, type Kind, type Stored } from "./kinds.ts";
import { listPage } from "./list-page.ts";
import type { ObjectStore } from "./object-store.ts";
import type { ObjectWrites } from "./object-writes.ts";
import type { PodLogSource } from "./pod-log.ts";
import { sendPodLog } from "./pod-log.ts";
import type { Access, Deed } from "./rights.ts";
import { badRequest, StatusError, success } from "./status.ts";
import { sendWatch } from "./watch-stream.ts";

/** What the handler works with. */
export interface ApiHandlerOptions {
  readonly store: ObjectStore;
  readonly writes: ObjectWrites;
  readonly access: Access;
  readonly logs: PodLogSource;
  readonly clock: Clock;
  readonly bookmarkMs: number;
}

const VERSION = { major: "1", minor: "34", gitVersion: "v1.34.4", gitCommit: "fake", platform: "linux/amd64" };

/** Does what a call asks for. */
export function createApiHandler(options: ApiHandlerOptions): ApiHandler {
  const { store, writes, access } = options;
  return (call, response, limits) => {
    const { deed, kind, query } = call;
    if (deed.resource === "version") return sendJson(response, 200, VERSION);
    if (kind === undefined) return sendJson(response, 201, review(call, access));
    const dryRun = query.get("dryRun") === "All";
    const { name = "", namespace } = deed;
    if (deed.subresource !== undefined) return subresource(call, kind, response, limits, options);
    switch (deed.verb) {
      case "list":
        return sendJson(response, 200, listPage(store, kind, namespace, query));
      case "watch":
        return sendWatch(response, { ...options, kind, namespace, query, limits });
      case "get":
        return sendJson(response, 200, writes.find(kind, namespace, name));
      case "create":
        return sendJson(response, 201, writes.create(kind, namespace, bodyOf(call, kind), dryRun));
      case "update":
        return sendJson(response, 200, writes.replace(kind, namespace, name, bodyOf(call, kind), dryRun));
      case "patch":
        return sendJson(response, 200, writes.patch(kind, namespace, name, patchOf(call), dryRun));
      case "delete": {
        const object = writes.delete(kind, namespace, name, deleteRequest(call, kind), dryRun);
        const whole = object.metadata.deletionTimestamp !== undefined || kind.plural === "pods";
        return sendJson(response, 200, whole ? object : success(kind, name, object.metadata.uid));
      }
      case "deletecollection": {
        const page = listPage(store, kind, namespace, query);
        for (const object of page.items)
          writes.delete(kind, namespace, object.metadata.name, deleteRequest(call, kind), dryRun);
        return sendJson(response, 200, page);
      }
      default:
        throw new StatusError(
          405,
          "MethodNotAllowed",
          "the server does not allow this method on the requested resource",
        );
    }
  };
}

function subresource(
  call: ApiCall,
  kind: Kind,
  response: ServerResponse,
  limits: StreamLimits,
  options: ApiHandlerOptions,
): void | Promise<void> {
  const { name = "", namespace, subresource: part, verb } = call.deed;
  if (kind.plural === "pods" && part === "log" && verb === "get") {
    return sendPodLog(response, options.writes.find(kind, namespace, name), call.query, options.logs, limits);
  }
  if (part === "status" && verb === "patch") {
    const { status } = (isFields(call.body) ? call.body : {}) as Partial<Stored>;
    const now = options.writes.find(kind, namespace, name);
    return sendJson(response, 200, options.store.set({ ...now, status: { ...now.status, ...status } } as Stored));
  }
  throw new StatusError(404, "NotFound", "the server could not find the requested resource", {});
}

function bodyOf({ body, deed }: ApiCall, kind: Kind): Stored {
  if (!isFields(body)) throw badRequest(`Object 'Kind' is missing in '${JSON.stringify(body) ?? ""}'`);
  const object = body as unknown as Stored;
  if (object.kind !== undefined && object.kind !== kind.kind) {
    throw badRequest(`${object.kind} in version "v1" cannot be handled as a ${kind.kind}`);
  }
  const namespace = object.metadata?.namespace;
  if (namespace !== undefined && deed.namespace !== undefined && namespace !== deed.namespace) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
  return {
    ...object,
    kind: kind.kind,
    metadata: { ...object.metadata, ...(deed.namespace === undefined ? {} : { namespace: deed.namespace }) },
  };
}

function patchOf({ body, contentType }: ApiCall): unknown {
  if (contentType !== "application/merge-patch+json") {
    const accepted =
      "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json";
    throw new StatusError(
      415,
      "UnsupportedMediaType",
      `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
    );
  }
  return body;
}

/** From the body, or else the query. Jobs' dependents are orphaned where nothing else is said, as in batch/v1. */
function deleteRequest({ body, query }: ApiCall, kind: Kind): DeleteRequest {
  const options = isFields(body) ? body : {};
  const preconditions = isFields(options["preconditions"]) ? options["preconditions"] : {};
  const grace = options["gracePeriodSeconds"] ?? query.get("gracePeriodSeconds") ?? undefined;
  const propagation =
    options["propagationPolicy"] ??
    query.get("propagationPolicy") ??
    (kind.plural === "jobs" ? "Orphan" : "Background");
  return {
    propagation: propagation as DeleteRequest["propagation"],
    ...(grace === undefined ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(typeof preconditions["uid"] === "string" ? { uid: preconditions["uid"] } : {}),
    ...(typeof preconditions["resourceVersion"] === "string"
      ? { resourceVersion: preconditions["resourceVersion"] }
      : {}),
  };
}

function review({ body, token }: ApiCall, access: Access): unknown {
  const spec = isFields(body) && isFields(body["spec"]) ? body["spec"] : {};
  const asked = (isFields(spec["resourceAttributes"]) ? spec["resourceAttributes"] : {}) as Partial<Deed>;
  const { group = "", name, namespace, resource = "", subresource: part, verb = "" } = asked;
  const allowed = access.may(token, { verb, group, resource, subresource: part, namespace, name });
  const head = { kind: "SelfSubjectAccessReview", apiVersion: "authorization.k8s.io/v1", metadata: {} };
  return { ...head, spec, status: allowed ? { allowed } : { allowed, reason: "" } };
}
