import type { Clock } from "../base/clock.ts";
import { CodedError, isKind } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { KubernetesApi } from "./api.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { KUBERNETES_ERRORS } from "./errors.ts";
import { type ApiLimits, Exchange } from "./exchange.ts";
import { unreadable } from "./json-lines.ts";
import type { KubernetesObject, ObjectList, Resource } from "./objects.ts";
import { type ApiRequest, nameOf, requestFor, selectionQuery, type Verb } from "./request.ts";
import { withRetries } from "./retries.ts";
import { openPodLog, openWatch } from "./streams.ts";

/** A call that has ended, for metrics and logs. */
export interface EndedCall {
  readonly verb: Verb;
  readonly resource: string;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  /** Milliseconds that it waited for a place among this program's own calls. */
  readonly waitedMs: number;
  /** Milliseconds from the call to its end, the waiting included. */
  readonly tookMs: number;
  readonly tries: number;
}

/** What the client is made of. */
export interface KubernetesApiOptions {
  /** From `loadKubeConfig`. */
  readonly config: ClusterAccess;
  readonly clock: Clock;
  readonly log: Log;
  readonly userAgent: string;
  readonly limits?: Partial<ApiLimits>;
  /** Told of every call, watches and logs aside; must not throw. */
  readonly onCall?: (call: EndedCall) => void;
}

/** The client, with what can be seen of it from outside. */
export interface KubernetesClient extends KubernetesApi {
  /** Calls of this program that wait for a place now. */
  readonly waiting: number;
  /** Connections that are open now. */
  readonly connections: number;
}

/** Bounds when nothing else is asked for. */
export const API_LIMITS: ApiLimits = {
  calls: 16,
  streams: 1024,
  waiting: 10_000,
  callMs: 30_000,
  answerMs: 15_000,
  answerBytes: 67_108_864,
  eventBytes: 8_388_608,
};

const ACCESS_REVIEWS: Resource<KubernetesObject> = {
  apiVersion: "authorization.k8s.io/v1",
  kind: "SelfSubjectAccessReview",
  plural: "selfsubjectaccessreviews",
  namespaced: false,
};

/**
 * Opens a client of the API server; no connection is made before the first call.
 *
 * What a try that was cut may have done already is told in the error of the next: `facts.repeated` is true on an ApiAlreadyExists or
 * ApiConflict that may come from this very call. A `remove` whose repetition finds nothing counts as done.
 */
export function openKubernetesApi(options: KubernetesApiOptions): KubernetesClient {
  const { config, clock } = options;
  const limits = { ...API_LIMITS, ...options.limits };
  if (config.insecure) {
    options.log.warn("The API server's certificate is not checked, as the kubeconfig asks", { server: config.server });
  }
  const exchange = new Exchange({ config, clock, userAgent: options.userAgent, limits });

  const call = async (request: ApiRequest, signal?: AbortSignal, refusedMs?: number): Promise<unknown> => {
    const began = clock.monotonic();
    let waitedMs = 0;
    let tries = 0;
    let outcome = "ok";
    try {
      const { callMs } = limits;
      return await withRetries(
        request,
        { callMs, refusedMs },
        clock,
        signal,
        async (both, { before, mayHaveHappened }) => {
          tries = before + 1;
          const asked = clock.monotonic();
          const giveBack = await exchange.calls.take(both);
          waitedMs += clock.monotonic() - asked;
          try {
            return await exchange.json(request, both);
          } catch (error) {
            throw mayHaveHappened ? markRepeated(error) : error;
          } finally {
            giveBack();
          }
        },
      );
    } catch (error) {
      outcome = error instanceof CodedError ? error.code : "aborted";
      throw error;
    } finally {
      const tookMs = clock.monotonic() - began;
      options.onCall?.({ verb: request.verb, resource: request.resource, outcome, waitedMs, tookMs, tries });
    }
  };

  return {
    server: config.server,
    get waiting() {
      return exchange.calls.waiting;
    },
    get connections() {
      return exchange.connections;
    },
    get: async (resource, namespace, name, signal) => {
      const request = requestFor("get", resource, { namespace, name });
      return asObject(await call(request, signal), request);
    },
    create: async (resource, namespace, object, signal, createOptions) => {
      const query = { dryRun: createOptions?.dryRun === true ? "All" : undefined };
      const request = requestFor("create", resource, { namespace, name: object.metadata.name, body: object, query });
      return asObject(await call(request, signal, createOptions?.refusedMs), request);
    },
    replace: async (resource, namespace, object, signal) => {
      const request = requestFor("update", resource, { namespace, name: object.metadata.name, body: object });
      return asObject(await call(request, signal), request);
    },
    patch: async (resource, namespace, name, change, signal, patchOptions) => {
      const request = requestFor("patch", resource, { namespace, name, body: change });
      return asObject(await call(request, signal, patchOptions?.refusedMs), request);
    },
    remove: async (resource, namespace, name, how, signal) => {
      const body = {
        apiVersion: "v1",
        kind: "DeleteOptions",
        propagationPolicy: how.propagation,
        ...(how.uid === undefined ? {} : { preconditions: { uid: how.uid } }),
        ...(how.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: how.gracePeriodSeconds }),
      };
      try {
        await call(requestFor("delete", resource, { namespace, name, body }), signal);
        return true;
      } catch (error) {
        if (isKind(error, KUBERNETES_ERRORS.ApiNotFound)) return error.facts["repeated"] === true;
        if (isKind(error, KUBERNETES_ERRORS.ApiConflict) && how.uid !== undefined) return false;
        throw error;
      }
    },
    list: async (resource, namespace, listOptions = {}, signal) => {
      const { limit, resourceVersion } = listOptions;
      const query = { ...selectionQuery(listOptions), limit, resourceVersion, continue: listOptions.continue };
      const request = requestFor("list", resource, { namespace, query });
      return asList(await call(request, signal), request, resource);
    },
    watch: (resource, namespace, watchOptions, signal) => {
      return openWatch(exchange, limits.eventBytes, resource, namespace, watchOptions, signal);
    },
    podLog: (namespace, pod, logOptions, signal) => openPodLog(exchange, namespace, pod, logOptions, signal),
    allowed: async (question, signal) => {
      const { namespace } = question;
      const body = {
        apiVersion: ACCESS_REVIEWS.apiVersion,
        kind: ACCESS_REVIEWS.kind,
        spec: { resourceAttributes: question },
      };
      const request = requestFor("create", ACCESS_REVIEWS, { namespace, body });
      const answer = await call(request, signal);
      const status = isObject(answer) ? answer["status"] : undefined;
      if (!isObject(status)) throw unreadable(nameOf(request), "it has no status");
      return status["allowed"] === true;
    },
    version: async (signal) => {
      const request: ApiRequest = { verb: "get", resource: "", method: "GET", path: "/version" };
      const answer = await call(request, signal);
      const known = isObject(answer) ? answer : {};
      const [major, minor] = [known["major"], known["minor"]].map((part) => Number.parseInt(String(part), 10));
      if (major === undefined || minor === undefined || Number.isNaN(major + minor)) {
        throw unreadable(nameOf(request), "it names no version");
      }
      return { major, minor, text: String(known["gitVersion"] ?? `v${major}.${minor}`) };
    },
    close: async () => exchange.close(),
  };
}

function markRepeated(error: unknown): unknown {
  if (!(error instanceof CodedError)) return error;
  const { code, retryable, advice } = error;
  return new CodedError({ code, retryable, advice }, error.message, {
    cause: error.cause,
    facts: { ...error.facts, repeated: true },
  });
}

function asObject<T extends KubernetesObject>(answer: unknown, request: ApiRequest): T {
  if (!isObject(answer) || !isObject(answer["metadata"]))
    throw unreadable(nameOf(request), "it is no object of Kubernetes");
  return answer as unknown as T;
}

/** The server leaves version and kind out of a list's items; they are put back. */
function asList<T extends KubernetesObject>(
  answer: unknown,
  request: ApiRequest,
  resource: Resource<T>,
): ObjectList<T> {
  const items = isObject(answer) ? answer["items"] : undefined;
  if (!isObject(answer) || !(Array.isArray(items) || items === null)) {
    throw unreadable(nameOf(request), "it is no list of Kubernetes");
  }
  const { apiVersion, kind } = resource;
  const metadata = isObject(answer["metadata"]) ? answer["metadata"] : {};
  return { metadata, items: (items ?? []).map((item) => ({ apiVersion, kind, ...item }) as T) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
