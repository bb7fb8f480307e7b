import type { ServerResponse } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { CONFIG_MAPS, type ConfigMap } from "../../src/kubernetes/objects.ts";
import { type WatchObjectsOptions, watchObjects } from "../../src/kubernetes/reflector.ts";
import type { Watched } from "../../src/kubernetes/watched.ts";
import { FakeClock } from "../fakes/clock.ts";
import { eventually } from "../fakes/eventually.ts";
import { TcpProxy } from "../fakes/tcp-proxy.ts";
import { answer, beginWatch, configMap, listOf, refuse, type Seen, startApiServer } from "./api-server.ts";
import { openClient } from "./open.ts";

type Send = (type: string, object: unknown) => void;

/** Watches config maps of a server and notes what is told; both end with the test. */
function watching(
  url: string,
  options: Partial<WatchObjectsOptions<ConfigMap>> = {},
): { readonly watched: Watched<ConfigMap>; readonly told: string[] } {
  const clock = options.clock ?? systemClock;
  const api = openClient(url, { clock });
  const watched = watchObjects(api, CONFIG_MAPS, "ns", { clock, log: silentLog, ...options });
  onTestFinished(() => watched.close());
  const told: string[] = [];
  watched.onChange(({ type, object }) =>
    told.push(`${type} ${object.metadata.name} ${object.metadata.resourceVersion}`),
  );
  return { watched, told };
}

function isWatch(seen: Seen): boolean {
  return seen.query.get("watch") === "true";
}

const bookmark = (version: number): unknown => ({ kind: "ConfigMap", metadata: { resourceVersion: String(version) } });

test("lists in pages, then watches from the list's version with bookmarks, and tells each change once", async () => {
  let send: Send = () => undefined;
  const server = await startApiServer((seen, response) => {
    if (isWatch(seen)) send = beginWatch(response);
    else if (seen.query.get("continue") === null)
      answer(response, 200, listOf([configMap("a", 1), configMap("b", 2)], 7, "p2"));
    else answer(response, 200, listOf([configMap("c", 3)], 7));
  });
  const { watched, told } = watching(server.url, { pageSize: 2, selection: { labelSelector: "x=y" } });
  await watched.ready(AbortSignal.timeout(5000));
  expect([...watched.all()].map(({ metadata }) => metadata.name)).toEqual(["a", "b", "c"]);
  await eventually(() => expect(server.seen.length).toBe(3));
  expect(Object.fromEntries(server.seen[2]?.query ?? [])).toMatchObject({
    labelSelector: "x=y",
    allowWatchBookmarks: "true",
    resourceVersion: "7",
  });
  send("MODIFIED", configMap("a", 8));
  send("MODIFIED", configMap("a", 8));
  send("DELETED", configMap("b", 9));
  send("ADDED", configMap("d", 10));
  await eventually(() => expect(told.slice(3)).toEqual(["set a 8", "gone b 9", "set d 10"]));
  expect(told.slice(0, 3)).toEqual(["set a 1", "set b 2", "set c 3"]);
  expect(watched.size).toBe(3);
  expect(watched.get("b")).toBeUndefined();
  expect(watched.silentMs()).toBeLessThan(5000);
});

test("why the server isn't heard is known until it is heard again", async () => {
  let isRefused = true;
  const server = await startApiServer((seen, response) => {
    if (isRefused) refuse(response, 401, "Unauthorized", "Unauthorized");
    else if (isWatch(seen)) beginWatch(response);
    else answer(response, 200, listOf([], 1));
  });
  const { watched } = watching(server.url);
  await eventually(() => expect(watched.trouble()).toContain("401 Unauthorized"));
  isRefused = false;
  await watched.ready(AbortSignal.timeout(20_000));
  expect(watched.trouble()).toBeUndefined();
});

test("objects are slimmed on arrival", async () => {
  const server = await startApiServer((seen, response) => {
    if (isWatch(seen)) beginWatch(response)("ADDED", configMap("b", 2, { data: { k: "long" } }));
    else answer(response, 200, listOf([configMap("a", 1, { data: { k: "long" } })], 1));
  });
  const slim = ({ data: _data, ...rest }: ConfigMap): ConfigMap => rest;
  const { watched } = watching(server.url, { slim });
  await eventually(() => expect(watched.size).toBe(2));
  expect([...watched.all()]).toEqual(
    ["a", "b"].map((name, index) => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, uid: `uid-${name}`, resourceVersion: String(index + 1) },
    })),
  );
});

test("goes on from a bookmark after the server has ended the watch", async () => {
  const server = await startApiServer((seen, response) => {
    if (!isWatch(seen)) {
      answer(response, 200, listOf([], 1));
      return;
    }
    beginWatch(response)("BOOKMARK", bookmark(50));
    if (seen.query.get("resourceVersion") === "1") setTimeout(() => response.end(), 50);
  });
  watching(server.url, { watchSeconds: 1 });
  await eventually(() => expect(server.seen.filter(isWatch).length).toBe(2));
  expect(server.seen.filter(isWatch).map(({ query }) => query.get("resourceVersion"))).toEqual(["1", "50"]);
  expect(server.seen.filter((seen) => !isWatch(seen)).length).toBe(1);
});

test("a version that is too old leads to a new list, which tells only the differences", async () => {
  let lists = 0;
  let watches = 0;
  const server = await startApiServer((seen, response) => {
    if (isWatch(seen)) {
      watches += 1;
      const send = beginWatch(response);
      if (watches > 1) return;
      send("ERROR", { kind: "Status", code: 410, reason: "Expired", message: "too old" });
      response.end();
      return;
    }
    lists += 1;
    const recreated = { metadata: { name: "c", uid: "another", resourceVersion: "6" } };
    if (lists === 1) answer(response, 200, listOf([configMap("a", 1), configMap("b", 2), configMap("c", 3)], 4));
    else answer(response, 200, listOf([configMap("a", 1), recreated, configMap("d", 7)], 9));
  });
  const { watched, told } = watching(server.url);
  await eventually(() => expect(lists).toBe(2));
  await eventually(() => expect(told.slice(3)).toEqual(["gone c 3", "set c 6", "set d 7", "gone b 2"]));
  expect(watched.size).toBe(3);
});

test("T33: a watch whose line swallows everything is left within 30 s", async () => {
  const clock = new FakeClock();
  const responses: ServerResponse[] = [];
  const server = await startApiServer((seen, response) => {
    if (!isWatch(seen)) {
      answer(response, 200, listOf([configMap("a", 1)], 1));
      return;
    }
    responses.push(response);
    beginWatch(response)("BOOKMARK", bookmark(2));
  });
  const line = await TcpProxy.start(server.port);
  const { watched, told } = watching(`http://127.0.0.1:${line.port}`, { clock });
  await eventually(() => expect(responses.length).toBe(1));
  await eventually(() => expect(told).toEqual(["set a 1"]));
  line.swallow();
  responses[0]?.write(`${JSON.stringify({ type: "MODIFIED", object: configMap("a", 5) })}\n`);
  await clock.advance(25_000);
  await eventually(async () => {
    await clock.advance(100);
    expect(responses.length).toBe(2);
  });
  expect(clock.monotonic()).toBeLessThan(28_000);
  responses[1]?.write(`${JSON.stringify({ type: "MODIFIED", object: configMap("a", 5) })}\n`);
  await eventually(() => expect(told).toEqual(["set a 1", "set a 5"]));
  expect(watched.silentMs()).toBe(0);
});

test("T33: a line that goes dead between two watches is left within 30 s", async () => {
  const clock = new FakeClock();
  const watches: ServerResponse[] = [];
  const server = await startApiServer((seen, response) => {
    if (!isWatch(seen)) {
      answer(response, 200, listOf([configMap("a", 1)], 1));
      return;
    }
    watches.push(response);
    beginWatch(response)("BOOKMARK", bookmark(2));
    if (watches.length === 1) response.end();
  });
  const line = await TcpProxy.start(server.port);
  const { told } = watching(`http://127.0.0.1:${line.port}`, { clock });
  await eventually(() => expect(watches[0]?.writableFinished).toBe(true));
  await eventually(() => expect(clock.waiting).toBe(1));
  line.swallow();
  await eventually(async () => {
    await clock.advance(500);
    expect(watches.length).toBe(2);
  });
  expect(clock.monotonic()).toBeLessThan(28_000);
  watches[1]?.write(`${JSON.stringify({ type: "MODIFIED", object: configMap("a", 5) })}\n`);
  await eventually(() => expect(told).toEqual(["set a 1", "set a 5"]));
});

test("T34: however the server flaps, there is at most one watch a second, and no connection is left over", async () => {
  const clock = new FakeClock();
  const at: number[] = [];
  let ways = 0;
  const server = await startApiServer((seen, response) => {
    if (!isWatch(seen)) {
      answer(response, 200, listOf([configMap("a", 1)], 1));
      return;
    }
    at.push(clock.monotonic());
    const send = beginWatch(response);
    ways += 1;
    if (ways % 3 === 0) seen.socket.destroy();
    else if (ways % 3 === 1) response.end();
    else {
      // An event before the cut makes it look like a success.
      send("MODIFIED", configMap("a", 100 + ways));
      setTimeout(() => seen.socket.destroy(), 5);
    }
  });
  watching(server.url, { clock });
  await eventually(async () => {
    await clock.advance(250);
    expect(at.length).toBeGreaterThan(40);
  });
  const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1000);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(15_000);
  expect(server.connections()).toBeLessThanOrEqual(2);
});

test("T35: while lists are throttled between two pages nothing piles up, and the list goes on where it was", async () => {
  const clock = new FakeClock();
  let throttled = false;
  const server = await startApiServer((seen, response) => {
    if (isWatch(seen)) beginWatch(response)("BOOKMARK", bookmark(9));
    else if (throttled) refuse(response, 429, "TooManyRequests", "slow down", { "retry-after": "1" });
    else if (seen.query.get("continue") === null) {
      throttled = true;
      answer(response, 200, listOf([configMap("a", 1)], 9, "p2"));
    } else answer(response, 200, listOf([configMap("b", 2)], 9));
  });
  const { watched } = watching(server.url, { clock, pageSize: 1 });
  await eventually(async () => {
    await clock.advance(2_000);
    expect(clock.monotonic()).toBeGreaterThan(300_000);
  });
  const asked = server.seen.length;
  expect(asked).toBeGreaterThan(20);
  expect(asked).toBeLessThan(300);
  expect(watched.size).toBe(1);
  expect(server.connections()).toBeLessThanOrEqual(2);
  expect(clock.waiting).toBeLessThan(10);
  throttled = false;
  await eventually(async () => {
    await clock.advance(1_000);
    expect(watched.size).toBe(2);
  });
  expect(server.seen.filter(({ query }) => !query.has("watch") && !query.has("continue")).length).toBe(1);
});

test("a server that has lost its past is listed anew", async () => {
  const clock = new FakeClock();
  let restored = false;
  const server = await startApiServer((seen, response) => {
    if (!isWatch(seen))
      answer(response, 200, restored ? listOf([configMap("b", 2)], 3) : listOf([configMap("a", 900)], 900));
    else if (restored && seen.query.get("resourceVersion") === "900")
      refuse(response, 504, "Timeout", "too large resource version");
    else {
      const send = beginWatch(response);
      if (restored) return;
      restored = true;
      send("BOOKMARK", bookmark(900));
      response.end();
    }
  });
  const { watched } = watching(server.url, { clock });
  await eventually(async () => {
    await clock.advance(1_000);
    expect([...watched.all()].map(({ metadata }) => metadata.name)).toEqual(["b"]);
  });
});

test("ready gives up with its signal, and close ends the watch and its connection", async () => {
  const server = await startApiServer((seen, response) => {
    if (isWatch(seen)) beginWatch(response);
    else refuse(response, 403, "Forbidden", "no right");
  });
  const { watched } = watching(server.url);
  await expect(watched.ready(AbortSignal.timeout(100))).rejects.toThrow();
  server.handle = (seen, response) => {
    if (isWatch(seen)) beginWatch(response);
    else answer(response, 200, listOf([], 1));
  };
  await eventually(() => expect(server.seen.some(isWatch)).toBe(true));
  const open = server.connections();
  await watched.close();
  await eventually(() => expect(server.connections()).toBeLessThan(open));
});
