import type { ServerResponse } from "node:http";
import type { Clock } from "../../../src/base/clock.ts";
import type { StreamLimits } from "./api-server.ts";
import { apiVersionOf, type Kind, type Stored } from "./kinds.ts";
import { selectorOf } from "./list-page.ts";
import type { Change, ObjectStore } from "./object-store.ts";
import { expired } from "./status.ts";

/** What a watch is made of. */
export interface WatchRequest {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly bookmarkMs: number;
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly query: URLSearchParams;
  readonly limits: StreamLimits;
}

const DEFAULT_TIMEOUT_SECONDS = 1800;
const LAST_BOOKMARK_SECONDS = 2;

/** Streams changes until the timeout, the client's leave, or a fault. @throws StatusError 400 */
export function sendWatch(response: ServerResponse, request: WatchRequest): void {
  const { clock, kind, limits, namespace, query, store } = request;
  const selected = selectorOf(kind, query);
  let left = limits.cutAfterBytes;
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  const send = (type: string, object: unknown): void => {
    if (limits.silent) return;
    const line = Buffer.from(`${JSON.stringify({ type, object })}\n`);
    response.write(line.subarray(0, Math.min(left, line.length)));
    left -= line.length;
    if (left <= 0) setImmediate(() => response.socket?.resetAndDestroy());
  };
  const tell = (change: Change): void => {
    if (change.plural !== kind.plural) return;
    if (namespace !== undefined && change.object.metadata.namespace !== namespace) return;
    const type = seenAs(change, selected);
    if (type !== undefined) send(type, change.object);
  };
  const version = query.get("resourceVersion") ?? "";
  const past = version === "" || version === "0" ? undefined : store.since(Number(version), kind.plural);
  if (version === "" || version === "0") {
    for (const object of store.all(kind.plural, namespace).filter(selected)) send("ADDED", object);
  } else if (past === undefined) {
    send("ERROR", expired(`too old resource version: ${version} (${store.oldest})`).body);
    return void response.end();
  }
  for (const change of past ?? []) tell(change);

  const stop = store.onChange(tell);
  const bookmark = (): void => send("BOOKMARK", bookmarkOf(kind, store.version));
  const bookmarks = query.get("allowWatchBookmarks") === "true";
  let cancelBookmark = bookmarks ? clock.schedule(request.bookmarkMs, beat, { unref: true }) : () => undefined;
  function beat(): void {
    bookmark();
    cancelBookmark = clock.schedule(request.bookmarkMs, beat, { unref: true });
  }
  const seconds = Number(query.get("timeoutSeconds") ?? DEFAULT_TIMEOUT_SECONDS);
  // The real server sends one shortly before the end; a client that comes again then goes on from there.
  const cancelLast =
    bookmarks && seconds > LAST_BOOKMARK_SECONDS
      ? clock.schedule((seconds - LAST_BOOKMARK_SECONDS) * 1000, bookmark, { unref: true })
      : () => undefined;
  const cancelEnd = clock.schedule(seconds * 1000, finish, { unref: true });
  function finish(): void {
    if (limits.silent) return;
    response.end();
  }
  response.on("close", () => {
    stop();
    cancelBookmark();
    cancelLast();
    cancelEnd();
  });
}

/** What a change is for somebody who sees only the selected objects. */
function seenAs({ before, object, type }: Change, selected: (object: Stored) => boolean): string | undefined {
  const was = before !== undefined && selected(before);
  if (type === "DELETED") return was ? "DELETED" : undefined;
  const is = selected(object);
  if (is) return was ? "MODIFIED" : "ADDED";
  return was ? "DELETED" : undefined;
}

function bookmarkOf(kind: Kind, version: number): unknown {
  return {
    kind: kind.kind,
    apiVersion: apiVersionOf(kind),
    metadata: { resourceVersion: String(version), creationTimestamp: null },
  };
}
