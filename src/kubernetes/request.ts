import type { Selection } from "./api.ts";
import type { KubernetesObject, Resource } from "./objects.ts";

/** Verbs as Roles name them. */
export type Verb = "get" | "create" | "update" | "patch" | "delete" | "list" | "watch";

/** One request to the API server, and how it is named in messages. */
export interface ApiRequest {
  readonly verb: Verb;
  /** `jobs`, `pods/log`; empty for paths that belong to no resource. */
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly method: string;
  readonly path: string;
  readonly contentType?: string;
  readonly body?: string;
  /** Bodies that hold secrets: what the server says about them may quote them, and isn't repeated. */
  readonly confidential?: boolean;
}

const METHODS: Readonly<Record<Verb, string>> = {
  get: "GET",
  list: "GET",
  watch: "GET",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
};

const CONTENT_TYPES: Readonly<Partial<Record<Verb, string>>> = {
  create: "application/json",
  update: "application/json",
  delete: "application/json",
  patch: "application/merge-patch+json",
};

/** Where and what of a request, beside its verb. */
export interface Target {
  readonly namespace: string;
  readonly name?: string;
  readonly subresource?: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
}

/** The request for a resource. */
export function requestFor<T extends KubernetesObject>(verb: Verb, resource: Resource<T>, target: Target): ApiRequest {
  const { namespace, name, subresource, query, body } = target;
  const parts = [resource.apiVersion.includes("/") ? "apis" : "api", ...resource.apiVersion.split("/")];
  if (resource.namespaced) parts.push("namespaces", namespace);
  parts.push(resource.plural);
  // A create names its object in the body.
  if (name !== undefined && verb !== "create") parts.push(name);
  if (subresource !== undefined) parts.push(subresource);
  const contentType = CONTENT_TYPES[verb];
  return {
    verb,
    resource: subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`,
    method: METHODS[verb],
    path: `/${parts.map(encodeURIComponent).join("/")}${queryText(query ?? {})}`,
    confidential: ["secrets", "configmaps"].includes(resource.plural),
    ...(resource.namespaced ? { namespace } : {}),
    ...(name === undefined ? {} : { name }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(body === undefined || contentType === undefined ? {} : { contentType }),
  };
}

/** `create jobs t-1/hr-abc`: a request in messages. */
export function nameOf(request: ApiRequest): string {
  const where = [request.namespace, request.name].filter((part) => part !== undefined).join("/");
  const what = request.resource === "" ? request.path : request.resource;
  if (where === "") return `${request.verb} ${what}`;
  return request.name === undefined ? `${request.verb} ${what} in ${where}` : `${request.verb} ${what} ${where}`;
}

/** Selectors as they stand in a query. */
export function selectionQuery(selection: Selection): Readonly<Record<string, string | undefined>> {
  return { labelSelector: selection.labelSelector, fieldSelector: selection.fieldSelector };
}

function queryText(query: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    return value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`];
  });
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}
