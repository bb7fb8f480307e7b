import { expect, test } from "vitest";
import type { PodLogOptions, WatchEvent } from "../../src/kubernetes/api.ts";
import { CONFIG_MAPS, type ConfigMap } from "../../src/kubernetes/objects.ts";
import { eventually } from "../fakes/eventually.ts";
import { beginWatch, configMap, refuse, startApiServer } from "./api-server.ts";
import { openClient } from "./open.ts";

const FOLLOW: PodLogOptions = { container: "main", follow: true, timestamps: true, sinceTime: "2026-01-01T00:00:00Z" };
const WATCH = { resourceVersion: "1", timeoutSeconds: 5 };

async function take(events: AsyncIterable<WatchEvent<ConfigMap>>): Promise<string[]> {
  const names: string[] = [];
  for await (const { type, object } of events) names.push(`${type} ${object.metadata.name}`);
  return names;
}

test("a log is asked for as told, and comes to its end", async () => {
  const server = await startApiServer((_seen, response) => {
    response.write("one\n");
    setTimeout(() => response.end("two\n"), 20);
  });
  let text = "";
  for await (const bytes of openClient(server.url).podLog("ns", "p", FOLLOW, new AbortController().signal)) {
    text += new TextDecoder().decode(bytes);
  }
  expect(text).toBe("one\ntwo\n");
  expect(server.seen[0]?.path).toBe("/api/v1/namespaces/ns/pods/p/log");
  expect(Object.fromEntries(server.seen[0]?.query ?? [])).toEqual({
    container: "main",
    follow: "true",
    timestamps: "true",
    sinceTime: "2026-01-01T00:00:00Z",
  });
});

test("a log that is read slowly is sent slowly", async () => {
  let written = 0;
  const piece = Buffer.alloc(65_536, "x");
  const server = await startApiServer(async (seen, response) => {
    let goOn = (): void => undefined;
    response.on("drain", () => goOn());
    seen.socket.on("close", () => goOn());
    response.writeHead(200);
    while (!seen.socket.destroyed && written < 64 * 1_048_576) {
      written += piece.length;
      if (!response.write(piece))
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
    }
  });
  const giveUp = new AbortController();
  const reader = openClient(server.url).podLog("ns", "p", FOLLOW, giveUp.signal)[Symbol.asyncIterator]();
  await reader.next();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(written).toBeLessThan(16 * 1_048_576);
  giveUp.abort(new Error("enough"));
  await expect(
    (async () => {
      for (;;) if ((await reader.next()).done === true) return;
    })(),
  ).rejects.toThrow("enough");
  await eventually(() => expect(server.connections()).toBe(0));
});

test("a log that is cut is told apart from one that has ended", async () => {
  const server = await startApiServer((seen, response) => {
    response.write("one\n");
    setTimeout(() => seen.socket.destroy(), 20);
  });
  const read = async (): Promise<void> => {
    for await (const _ of openClient(server.url).podLog("ns", "p", FOLLOW, new AbortController().signal));
  };
  await expect(read()).rejects.toMatchObject({ code: "ApiUnavailable", facts: { failure: "cutOff" } });
});

test("a reader who leaves frees connection and place", async () => {
  const server = await startApiServer((_seen, response) => void response.write("one\n"));
  const api = openClient(server.url, { limits: { streams: 1 } });
  for (let i = 0; i < 3; i++) {
    for await (const _ of api.podLog("ns", "p", FOLLOW, AbortSignal.timeout(5000))) break;
  }
  expect(server.seen.length).toBe(3);
  await eventually(() => expect(server.connections()).toBe(0));
});

test("a watch's events come however their bytes are cut, and unknown fields don't matter", async () => {
  const server = await startApiServer(async (_seen, response) => {
    const bytes = Buffer.from(
      `${JSON.stringify({ type: "ADDED", object: configMap("ä", 1), extra: 1 })}\n\n{"type":"DELETED",`,
    );
    for (const byte of bytes) {
      response.write(Buffer.from([byte]));
      if (byte > 127) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    response.end(`"object":${JSON.stringify(configMap("b", 2))}}`);
  });
  const events = openClient(server.url).watch(CONFIG_MAPS, "ns", WATCH, new AbortController().signal);
  expect(await take(events)).toEqual(["ADDED ä", "DELETED b"]);
});

test("an event that is too long ends the watch", async () => {
  const server = await startApiServer((_seen, response) => {
    beginWatch(response)("ADDED", configMap("a", 1, { data: { a: "x".repeat(9000) } }));
  });
  const api = openClient(server.url, { limits: { eventBytes: 4096 } });
  await expect(take(api.watch(CONFIG_MAPS, "ns", WATCH, new AbortController().signal))).rejects.toMatchObject({
    code: "ApiAnswerUnreadable",
  });
  await eventually(() => expect(server.connections()).toBe(0));
});

test("410 is the same error before a watch and within", async () => {
  const server = await startApiServer((_seen, response) => refuse(response, 410, "Expired", "too old"));
  const api = openClient(server.url);
  const watch = (): Promise<string[]> => take(api.watch(CONFIG_MAPS, "ns", WATCH, new AbortController().signal));
  await expect(watch()).rejects.toMatchObject({ code: "ApiExpired" });
  server.handle = (_seen, response) => {
    beginWatch(response)("ERROR", { kind: "Status", code: 410, reason: "Expired", message: "too old" });
  };
  await expect(watch()).rejects.toMatchObject({ code: "ApiExpired" });
  server.handle = (_seen, response) => {
    beginWatch(response)("ERROR", {
      kind: "Status",
      code: 429,
      reason: "TooManyRequests",
      message: "storage is (re)initializing",
    });
  };
  await expect(watch()).rejects.toMatchObject({ code: "ApiThrottled" });
});
