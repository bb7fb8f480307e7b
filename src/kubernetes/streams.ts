import { CodedError, isKind } from "../base/errors.ts";
import { SOCKET_ERRORS } from "../runtime/socket-errors.ts";
import type { PodLogOptions, WatchEvent, WatchOptions } from "./api.ts";
import { KUBERNETES_ERRORS } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { jsonLines, unreadable } from "./json-lines.ts";
import { type KubernetesObject, PODS, type Resource } from "./objects.ts";
import { type ApiRequest, nameOf, requestFor, selectionQuery } from "./request.ts";
import { refusalOf, refused } from "./status-error.ts";

/**
 * A watch with bookmarks; one try, since its caller knows what to do next.
 * @throws CodedError ApiExpired, ApiUnavailable when the connection is cut, others of errors.ts
 */
export async function* openWatch<T extends KubernetesObject>(
  exchange: Exchange,
  eventBytes: number,
  resource: Resource<T>,
  namespace: string,
  options: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const query = {
    ...selectionQuery(options),
    watch: true,
    allowWatchBookmarks: true,
    resourceVersion: options.resourceVersion,
    timeoutSeconds: options.timeoutSeconds,
  };
  const request = requestFor("watch", resource, { namespace, query });
  for await (const event of jsonLines(read(exchange, request, signal), eventBytes, nameOf(request))) {
    yield asEvent(event, request);
  }
}

/**
 * Bytes of a container's log as they come; one try. A reader that stops to take them makes the server stop to send them.
 * @throws CodedError ApiUnavailable when the connection is cut before the log's end, others of errors.ts
 */
export function openPodLog(
  exchange: Exchange,
  namespace: string,
  pod: string,
  options: PodLogOptions,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const { container, follow, timestamps, sinceTime, tailLines, limitBytes } = options;
  const query = { container, follow, timestamps, sinceTime, tailLines, limitBytes };
  return read(exchange, requestFor("get", PODS, { namespace, name: pod, subresource: "log", query }), signal);
}

async function* read(
  exchange: Exchange,
  request: ApiRequest,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { answer, done } = await exchange.stream(request, signal);
  let whole = false;
  try {
    yield* answer.body;
    whole = true;
  } catch (cause) {
    if (!isKind(cause, SOCKET_ERRORS.DialFailed)) throw cause;
    throw new CodedError(
      KUBERNETES_ERRORS.ApiUnavailable,
      `Cannot ${nameOf(request)} to its end: the connection was cut`,
      {
        cause,
        facts: { failure: "cutOff", verb: request.verb, resource: request.resource },
      },
    );
  } finally {
    if (!whole) answer.discard();
    // Given up as dead: then so may be the idle connections, which were opened the same way.
    if (isKind(signal.reason, KUBERNETES_ERRORS.ApiUnavailable)) exchange.dropIdle();
    done();
  }
}

function asEvent<T extends KubernetesObject>(event: unknown, request: ApiRequest): WatchEvent<T> {
  const { type, object } = (typeof event === "object" && event !== null ? event : {}) as {
    readonly type?: unknown;
    readonly object?: unknown;
  };
  if (type === "ERROR") throw refused(request, refusalOf(object));
  const metadata = typeof object === "object" && object !== null && "metadata" in object ? object.metadata : undefined;
  if (typeof type !== "string" || typeof metadata !== "object" || metadata === null) {
    throw unreadable(nameOf(request), "an event has no object");
  }
  return { type, object } as unknown as WatchEvent<T>;
}
