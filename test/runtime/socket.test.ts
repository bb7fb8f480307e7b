import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { type DialOptions, dial } from "../../src/runtime/dial.ts";
import { createSocketAcceptor, guardUpgrade, refuseUpgrade, type Socket } from "../../src/runtime/socket.ts";
import { FakeClock } from "../fakes/clock.ts";
import { eventually } from "../fakes/eventually.ts";
import { FakeGateway } from "../fakes/gateway.ts";
import { testAuthority } from "./certificates.ts";

const SUBPROTOCOL = "test.v1";

/** Listens on a free port until the test ends. */
async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A server that accepts everything; the answer gives its port and its ends of the sockets. */
async function acceptAll(): Promise<{ port: number; sockets: Socket[]; failures: unknown[] }> {
  const acceptor = createSocketAcceptor({ subprotocol: SUBPROTOCOL, maxPayloadBytes: 1_000 });
  const sockets: Socket[] = [];
  const failures: unknown[] = [];
  const server = createHttpServer();
  server.on("upgrade", (request, rawSocket, head) => {
    acceptor.accept(request, rawSocket, head).then(
      (socket) => sockets.push(socket),
      (error: unknown) => failures.push(error),
    );
  });
  const port = await listen(server);
  onTestFinished(() => {
    for (const socket of sockets) socket.terminate();
  });
  return { port, sockets, failures };
}

/** A server that answers each upgrade like this. */
async function refuseAll(status: number, body: object, headers: Record<string, string> = {}): Promise<number> {
  const server = createHttpServer();
  server.on("upgrade", (_request, rawSocket) => {
    guardUpgrade(rawSocket);
    refuseUpgrade(rawSocket, status, body, headers);
  });
  return await listen(server);
}

function dialTo(port: number, options: Partial<DialOptions> = {}): Promise<Socket> {
  return dial({
    url: `ws://127.0.0.1:${port}/v1/runners?ticket=hidden`,
    headers: { Authorization: "Bearer hidden-too" },
    subprotocol: SUBPROTOCOL,
    connectTimeoutMs: 5_000,
    maxPayloadBytes: 1_000,
    ...options,
  });
}

/** Both ends of an open socket. */
async function pair(): Promise<{ client: Socket; server: Socket }> {
  const { port, sockets } = await acceptAll();
  const client = await dialTo(port);
  onTestFinished(() => client.terminate());
  const server = await eventually(() => {
    const [socket] = sockets;
    if (socket === undefined) throw new Error("not accepted yet");
    return socket;
  });
  return { client, server };
}

/** Collects what a socket tells. */
function record(socket: Socket): { texts: string[]; alive: number; closes: [number, string][] } {
  const told: { texts: string[]; alive: number; closes: [number, string][] } = { texts: [], alive: 0, closes: [] };
  socket.onText = (text) => told.texts.push(text);
  socket.onAlive = () => {
    told.alive += 1;
  };
  socket.onClose = (code, reason) => told.closes.push([code, reason]);
  return told;
}

test("Socket carries text both ways and tells both ends of the close", async () => {
  const { client, server } = await pair();
  const atClient = record(client);
  const atServer = record(server);
  client.send("to the server");
  server.send("to the client");
  await eventually(() => expect([atServer.texts, atClient.texts]).toEqual([["to the server"], ["to the client"]]));
  expect(atClient.alive).toBeGreaterThan(0);
  client.close(4401, "why");
  await eventually(() => expect(atServer.closes).toEqual([[4401, "why"]]));
  await eventually(() => expect(atClient.closes).toEqual([[4401, "why"]]));
  client.send("too late");
  client.close(1000, "");
  client.terminate();
});

test("Socket keeps what arrives before its handlers are set, in order, the close last", async () => {
  const { client, server } = await pair();
  for (let n = 0; n < 5_000; n++) server.send(String(n));
  server.close(4409, "over");
  await new Promise((resolve) => setTimeout(resolve, 100));
  const told = record(client);
  await eventually(() => expect(told.closes).toEqual([[4409, "over"]]));
  expect(told.texts).toEqual(Array.from({ length: 5_000 }, (_, n) => String(n)));
});

test("Socket without a handler makes the other side wait instead of filling memory", async () => {
  const { client, server } = await pair();
  for (let n = 0; n < 40_000; n++) server.send("x".repeat(1_000));
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(server.bufferedBytes).toBeGreaterThan(1_000_000);
  const told = record(client);
  await eventually(() => expect(told.texts).toHaveLength(40_000));
  expect(server.bufferedBytes).toBe(0);
});

test("Socket closes on a frame over its limit with 4413, at both ends", async () => {
  const { client, server } = await pair();
  const atClient = record(client);
  const atServer = record(server);
  client.send("x".repeat(1_001));
  await eventually(() => expect(atServer.closes[0]?.[0]).toBe(4413));
  await eventually(() => expect(atClient.closes[0]?.[0]).toBe(4413));
});

test.each([
  ["a binary frame", (ws: WebSocket) => ws.send(new Uint8Array([1]))],
  ["text that is not UTF-8", (ws: WebSocket) => ws.send(new Uint8Array([0xff]), { binary: false })],
])("Socket closes on %s with 4400", async (_what, act) => {
  const { port, sockets } = await acceptAll();
  const ws = new WebSocket(`ws://127.0.0.1:${port}/`, [SUBPROTOCOL]);
  const closed = new Promise((resolve) => ws.on("close", resolve));
  await new Promise((resolve) => ws.on("open", resolve));
  const told = record(await eventually(() => sockets[0] as Socket & object));
  act(ws);
  expect(await closed).toBe(4400);
  await eventually(() => expect(told.closes[0]?.[0]).toBe(4400));
  expect(told.texts).toEqual([]);
});

test("Socket tells a ping as a sign of life", async () => {
  const { port, sockets } = await acceptAll();
  const ws = new WebSocket(`ws://127.0.0.1:${port}/`, [SUBPROTOCOL]);
  await new Promise((resolve) => ws.on("open", resolve));
  const told = record(await eventually(() => sockets[0] as Socket & object));
  ws.ping();
  await eventually(() => expect(told.alive).toBeGreaterThan(0));
  ws.terminate();
  await eventually(() => expect(told.closes[0]?.[0]).toBe(1006));
});

test("Socket cuts a close reason that doesn't fit a close frame, between characters", async () => {
  const { client, server } = await pair();
  const told = record(client);
  server.close(4400, "ä".repeat(200));
  await eventually(() => expect(told.closes).toEqual([[4400, "ä".repeat(61)]]));
});

test("dial tells a refusal with status, code, Retry-After and the server's time", async () => {
  const date = "Sat, 21 Nov 2026 14:00:00 GMT";
  const later = "Sat, 21 Nov 2026 14:00:30 GMT";
  const port = await refuseAll(429, { code: "tooMany", message: "later" }, { "Retry-After": later, Date: date });
  await expect(dialTo(port)).rejects.toMatchObject({
    code: "DialRefused",
    message: `Cannot connect to ws://127.0.0.1:${port}/v1/runners: the server answered 429 (tooMany)`,
    facts: { status: 429, refusal: "tooMany", retryAfterSeconds: 30, date },
  });
});

test.each(["7", "Infinity", "soon", "-1"])("dial reads Retry-After %j or leaves it out", async (value) => {
  const port = await refuseAll(503, {}, { "Retry-After": value });
  const error = await dialTo(port).catch((caught: { facts: Record<string, unknown> }) => caught);
  expect("facts" in error && error.facts["retryAfterSeconds"]).toBe(value === "7" ? 7 : undefined);
});

test("dial reads no more than 16 KiB of a refusal", async () => {
  const port = await refuseAll(403, { code: "runnerIdInUse", filler: "x".repeat(50_000) });
  await expect(dialTo(port)).rejects.toMatchObject({ code: "DialRefused", facts: { status: 403 } });
});

test("dial does not follow a redirect", async () => {
  const { port: target, sockets } = await acceptAll();
  const port = await refuseAll(302, {}, { Location: `ws://127.0.0.1:${target}/` });
  await expect(dialTo(port)).rejects.toMatchObject({ code: "DialRefused", facts: { status: 302 } });
  expect(sockets).toEqual([]);
});

test("dial gives up on a server that takes the connection and says nothing", async () => {
  const port = await listen(createTcpServer((socket) => socket.on("error", () => undefined)));
  const clock = new FakeClock();
  const dialling = dialTo(port, { clock, connectTimeoutMs: 10_000 }).catch((error: unknown) => error);
  await clock.advance(10_000);
  expect(await dialling).toMatchObject({ code: "DialTimedOut" });
  expect(clock.waiting).toBe(0);
});

test("dial gives up when its signal aborts, and leaves nothing open", async () => {
  let closed = false;
  const server = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.resume();
    socket.on("close", () => {
      closed = true;
    });
  });
  const port = await listen(server);
  const abort = new AbortController();
  const dialling = dialTo(port, { signal: abort.signal }).catch((error: unknown) => error);
  await eventually(async () => expect(await connections(server)).toBe(1));
  abort.abort(new Error("no more"));
  expect(await dialling).toMatchObject({ message: "no more" });
  await eventually(() => expect(closed).toBe(true));
  await expect(dialTo(port, { signal: abort.signal })).rejects.toThrow("no more");
});

test.each([
  ["nothingListens", "ws://127.0.0.1:1/"],
  ["unknownHost", "ws://no-such-host.invalid/"],
  ["other", "nonsense"],
])("dial tells %s in words", async (failure, url) => {
  const error = await dialTo(0, { url }).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: "DialFailed", facts: { failure } });
});

test("dial names neither token nor query in any error", async () => {
  const refusedPort = await refuseAll(401, {});
  const quiet = await listen(createTcpServer((socket) => socket.destroy()));
  for (const port of [refusedPort, quiet, 1]) {
    const error = await dialTo(port).catch((caught: Error) => caught);
    expect(JSON.stringify([error, String(error), error instanceof Error && error.stack])).not.toContain("hidden");
  }
});

test("acceptor refuses a client without the sub-protocol with 426", async () => {
  const { port, failures } = await acceptAll();
  await expect(dialTo(port, { subprotocol: "other" })).rejects.toMatchObject({
    facts: { status: 426, refusal: "unsupportedVersion" },
  });
  expect(failures).toEqual([expect.objectContaining({ code: "AcceptFailed" })]);
});

test("acceptor answers an upgrade that is no proper one with 400", async () => {
  const { port, failures } = await acceptAll();
  const answer = await new Promise<string>((resolve) => {
    const raw = connect(port, "127.0.0.1");
    let text = "";
    raw.on("data", (data) => {
      text += data.toString();
    });
    raw.on("close", () => resolve(text));
    raw.write(
      `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`,
    );
  });
  expect(answer).toContain("HTTP/1.1 400 Bad Request");
  expect(answer).toContain('"code":"badFrame"');
  expect(failures).toEqual([expect.objectContaining({ code: "AcceptFailed" })]);
});

test("dial verifies TLS: unknown authority, expired, other name and no TLS at all are refused, an own authority is accepted", async (context) => {
  const authority = await testAuthority();
  if (authority === undefined) return context.skip("there is no openssl command to make certificates with");
  const good = await FakeGateway.start({}, { tls: authority.issue("IP:127.0.0.1", 2) });
  const expired = await FakeGateway.start({}, { tls: authority.issue("IP:127.0.0.1", -1) });
  const other = await FakeGateway.start({}, { tls: authority.issue("DNS:elsewhere.example", 2) });
  const plain = await FakeGateway.start();
  const own = { caCertificates: [authority.certificate] };
  const failureOf = async (url: string, options: Partial<DialOptions>): Promise<unknown> => {
    const error = await dialTo(0, { url, subprotocol: "hybrid-runner.v1", ...options }).catch(
      (caught: unknown) => caught,
    );
    return typeof error === "object" && error !== null && "facts" in error ? error.facts : error;
  };
  expect(await failureOf(good.url, {})).toEqual({ failure: "certificateUnknown" });
  expect(await failureOf(expired.url, own)).toEqual({ failure: "certificateExpired" });
  expect(await failureOf(other.url, own)).toEqual({ failure: "certificateForOtherName" });
  expect(await failureOf(plain.url.replace("ws:", "wss:"), own)).toEqual({ failure: "notTls" });
  const socket = await dialTo(0, { url: good.url, subprotocol: "hybrid-runner.v1", ...own });
  socket.terminate();
  expect([good, expired, other, plain].map(({ dials }) => dials.length)).toEqual([1, 0, 0, 0]);
});

function connections(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}
