import { readdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { CodedError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { readGatewayConfig } from "../../src/gateway/config.ts";
import { directoryAdvice } from "../../src/gateway/directory-lock.ts";
import { startGateway } from "../../src/gateway/gateway.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { dialRunner, ScriptedRunner } from "./scripted-runner.ts";
import { TestGateway } from "./test-gateway.ts";

interface Refused {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: { readonly code: string; readonly message: string; readonly advice?: string };
}

const upgrade = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-protocol": "hybrid-runner.v1",
};

/** Asks for an upgrade that must not come about. */
function refusedUpgrade(url: string, path: string, headers: Record<string, string>): Promise<Refused> {
  return new Promise((resolve, reject) => {
    const asking = request(`${url}${path}`, { headers: { ...upgrade, ...headers } });
    asking.on("upgrade", (_, socket) => {
      socket.destroy();
      reject(new Error("was let in"));
    });
    asking.on("response", (response) => {
      const parts: Uint8Array[] = [];
      response.on("data", (part: Uint8Array) => parts.push(part));
      response.on("end", () => {
        const body = JSON.parse(Buffer.concat(parts).toString()) as Refused["body"];
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
    asking.on("error", reject);
    asking.end();
  });
}

test("gateway answers health to anybody and everything else to nobody without the admin token", async () => {
  const gateway = await TestGateway.start();
  const health = await fetch(`${gateway.url}/healthz`);
  expect([health.status, await health.json()]).toEqual([200, { status: "ok" }]);
  for (const header of [undefined, "Bearer wrong", `Basic ${btoa(`admin:${gateway.adminToken}`)}`]) {
    const answer = await fetch(
      `${gateway.url}/api/v1/runners`,
      header === undefined ? {} : { headers: { authorization: header } },
    );
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    expect(await answer.json()).toMatchObject({ code: "AdminTokenRefused" });
  }
  expect((await gateway.call("GET", "/api/v1/runners")).status).toBe(200);
  expect((await gateway.call("GET", "/elsewhere")).body).toMatchObject({ code: "NotFound" });
  expect((await gateway.call("GET", "/api/v2/runners")).status).toBe(404);
});

test("gateway does not take a runner's token for the admin token, nor the reverse", async () => {
  const gateway = await TestGateway.start();
  const { text } = await gateway.token();
  const answer = await fetch(`${gateway.url}/api/v1/runners`, { headers: { authorization: `Bearer ${text}` } });
  expect(answer.status).toBe(401);
  await expect(dialRunner(gateway.url, gateway.adminToken, "alpha")).rejects.toMatchObject({ facts: { status: 401 } });
});

test("gateway lets a runner in by a path with a prefix", async () => {
  const gateway = await TestGateway.start();
  const { text } = await gateway.token();
  const runner = await ScriptedRunner.connect(`${gateway.url}/prefix/of/a/proxy`, text, "alpha");
  expect(runner.newest("welcome").body.epoch).toBeGreaterThan(0);
});

test("gateway refuses upgrades with status, close name and next step", async () => {
  const { url, token } = await TestGateway.start().then(async (gateway) => ({
    url: gateway.url,
    token: (await gateway.token({ runnerId: "alpha" })).text,
  }));
  const good = { authorization: `Bearer ${token}`, "x-runner-id": "alpha" };
  const cases: readonly [string, Record<string, string>, number, string][] = [
    ["/v1/other", good, 404, "badFrame"],
    ["/v1/runners", { ...good, "sec-websocket-protocol": "hybrid-runner.v9" }, 426, "unsupportedVersion"],
    ["/v1/runners", { ...good, "x-runner-id": "" }, 400, "badFrame"],
    ["/v1/runners", { ...good, "x-runner-id": "../alpha" }, 400, "badFrame"],
    ["/v1/runners", { "x-runner-id": "alpha" }, 401, "unauthorized"],
    ["/v1/runners", { ...good, authorization: "Bearer nonsense" }, 401, "unauthorized"],
    ["/v1/runners", { ...good, "x-runner-id": "beta" }, 401, "unauthorized"],
    ["/v1/runners", { ...good, "sec-websocket-key": "short" }, 400, "badFrame"],
  ];
  for (const [path, headers, status, code] of cases) {
    const refused = await refusedUpgrade(url, path, headers);
    expect([refused.status, refused.body.code], JSON.stringify(headers)).toEqual([status, code]);
    expect(refused.headers["content-type"]).toContain("application/json");
    expect(JSON.stringify(refused.body)).not.toContain(token);
  }
});

test("gateway refuses expired and revoked tokens at the upgrade and never logs a token", async () => {
  const gateway = await TestGateway.start();
  const revoked = await gateway.token({ runnerId: "alpha" });
  (await ScriptedRunner.connect(gateway.url, revoked.text, "alpha")).leave();
  await gateway.store.revokeToken(revoked.tokenId, systemClock.now());
  const expired = await gateway.token({ expiresInSeconds: -60 });
  for (const [token, state] of [
    [revoked.text, "revoked"],
    [expired.text, "expired"],
  ] as const) {
    const headers = { authorization: `Bearer ${token}`, "x-runner-id": "alpha" };
    const refused = await refusedUpgrade(gateway.url, "/v1/runners", headers);
    expect(refused.status).toBe(401);
    expect(refused.body.message).toContain(state);
    expect(refused.body.advice).toContain("gateway token create");
    expect(gateway.logLines.join("")).toContain(state);
    expect(gateway.logLines.join("")).not.toContain(token);
  }
});

test("gateway slows down those who guess, at the API and at the upgrade, and lets every right token in all the same", async () => {
  const gateway = await TestGateway.start();
  const statuses: number[] = [];
  let last = new Response();
  for (let guess = 0; guess < 25; guess++) {
    last = await fetch(`${gateway.url}/api/v1/runs`, { headers: { authorization: `Bearer guess-${guess}` } });
    statuses.push(last.status);
  }
  expect(statuses.slice(0, 20).every((status) => status === 401)).toBe(true);
  expect(last.status).toBe(429);
  expect(Number(last.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await last.json()).toMatchObject({ code: "TooManyFailures" });
  expect((await gateway.call("GET", "/api/v1/runs")).status).toBe(200);

  const tries = Array.from({ length: 25 }, () =>
    refusedUpgrade(gateway.url, "/v1/runners", { authorization: "Bearer nonsense", "x-runner-id": "alpha" }),
  );
  const refusals = await Promise.all(tries);
  const slowed = refusals.filter(({ status }) => status === 429);
  expect(slowed.length).toBeGreaterThanOrEqual(4);
  expect(slowed[0]?.body.code).toBe("tooMany");
  expect(Number(slowed[0]?.headers["retry-after"])).toBeGreaterThan(0);
  expect((await gateway.call("GET", "/api/v1/runs")).status).toBe(200);
  const runner = await gateway.runner();
  expect(runner.newest("welcome").body.epoch).toBeGreaterThan(0);
});

test("gateway outlives clients that break off in the middle of a request or an upgrade", async () => {
  const gateway = await TestGateway.start();
  const { port } = gateway.gateway;
  const texts = [
    "GET /v1/runners HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: hybrid-runner.v1\r\nX-Runner-Id: a\r\nAuthorization: Bearer x\r\n\r\n",
    "POST /api/v1/services HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
    "GARBAGE\r\n\r\n",
  ];
  for (const text of texts) {
    await new Promise<void>((resolve) => {
      const socket = connect(port, "127.0.0.1", () =>
        socket.write(text, () => setImmediate(() => socket.resetAndDestroy())),
      );
      socket.on("close", () => resolve());
      socket.on("error", () => undefined);
    });
  }
  expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
});

test("startGateway tells that the port is taken and leaves nothing running", async () => {
  const first = await TestGateway.start();
  const directory = await temporaryDirectory();
  const config = await readGatewayConfig(["--port", String(first.gateway.port), "--data-directory", directory], {});
  const error: unknown = await startGateway(config, { clock: systemClock, log: silentLog }).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CodedError);
  expect(error).toMatchObject({
    code: "ListenFailed",
    message: expect.stringContaining("another program has this port"),
  });
  expect(await readdir(directory)).toEqual([]);
});

test.each([
  [["--host", "192.0.2.1"], "this machine doesn't have this address", "--host"],
  [["--tls-cert-file", "/nonexistent/cert"], "the file of --tls-cert-file can't be read", "PEM"],
  [["--tls-key-file", "/nonexistent/key"], "the file of --tls-key-file can't be read", "PEM"],
  [["--tls-key-file", "FILE"], "is no certificate with its private key", "TLS files"],
])(
  "a gateway that can't listen with %j says what is in the way, and leaves no data directory behind",
  async (flags, told, advice) => {
    const directory = await temporaryDirectory();
    const file = join(directory, "file");
    await writeFile(file, "neither");
    const given = flags.map((flag) => (flag === "FILE" ? file : flag));
    const tls = ["cert", "key"].map((name) => `--tls-${name}-file`).flatMap((name) => [name, file]);
    const args = flags[0] === "--host" ? given : [...tls, ...given];
    const config = await readGatewayConfig(["--port", "0", "--data-directory", join(directory, "g"), ...args], {});
    await expect(startGateway(config, { clock: systemClock, log: silentLog })).rejects.toMatchObject({
      code: "ListenFailed",
      message: expect.stringContaining(told),
      advice: expect.stringContaining(advice),
    });
    expect(await readdir(directory)).toEqual(["file"]);
  },
);

test("gateway says goodbye to its runners when it closes, and its port is free afterwards", async () => {
  const gateway = await TestGateway.start();
  const { text } = await gateway.token();
  const socket = await dialRunner(gateway.url, text, "alpha");
  socket.onText = () => undefined;
  const closed = new Promise<number>((resolve) => {
    socket.onClose = (code) => resolve(code);
  });
  await gateway.gateway.close();
  expect(await closed).toBe(1001);
  await expect(fetch(`${gateway.url}/healthz`)).rejects.toThrow();
});

test("gateway warns when it listens in the open without TLS, and only then", async () => {
  const open = await TestGateway.start(["--host", "0.0.0.0"]);
  expect(open.logLines.filter((line) => line.includes("without TLS"))).toHaveLength(1);
  const closed = await TestGateway.start();
  expect(closed.logLines.filter((line) => line.includes("without TLS"))).toHaveLength(0);
});

test("gateway warns of keys and tokens that lie where others can read them", async () => {
  const open = await temporaryDirectory();
  const { chmod } = await import("node:fs/promises");
  await chmod(open, 0o755);
  const flags = ["--store-key-file", `${open}/store.key`];
  const warnings = (gateway: TestGateway): string[] =>
    gateway.logLines.filter((line) => line.includes("should have mode"));
  const first = await TestGateway.start(flags);
  expect(warnings(first)).toEqual([]);
  await first.gateway.close();
  await chmod(`${open}/store.key`, 0o644);
  expect(warnings(await TestGateway.start(flags, first.directory))).toEqual([
    expect.stringContaining("HYBRID_RUNNER_GATEWAY_STORE_KEY_FILE holds a secret that everybody can read"),
  ]);
});

test("gateway writes every frame down when asked to, for its owner only", async () => {
  const file = `${await temporaryDirectory()}/frames.jsonl`;
  const gateway = await TestGateway.start(["--capture-frames", file]);
  await gateway.runner();
  const { readFile, stat } = await import("node:fs/promises");
  await eventually(async () => {
    const lines = (await readFile(file, "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, string>);
    const seen = lines.map(({ direction, text }) => [direction, (JSON.parse(text ?? "") as { type: string }).type]);
    expect(seen.slice(0, 3)).toEqual([
      ["up", "hello"],
      ["down", "welcome"],
      ["up", "inventory"],
    ]);
    expect(seen).toContainEqual(["up", "inStep"]);
  });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test("a second gateway on the same data directory doesn't start, and names who has it; after the first has ended one does", async () => {
  const first = await TestGateway.start();
  const config = await readGatewayConfig(["--port", "0", "--data-directory", first.directory], {});
  const start = () => startGateway(config, { clock: systemClock, log: silentLog });
  await expect(start()).rejects.toMatchObject({
    code: "GatewayRunsAlready",
    message: expect.stringContaining(`the gateway of process ${process.pid} has it`),
  });
  expect((await first.call("GET", "/api/v1/runs")).status).toBe(200);
  await first.gateway.close();
  await (await start()).close();
});

test("a gateway that can't make its files says what is in the way, and to restore nothing", async () => {
  const file = join(await temporaryDirectory(), "file");
  await writeFile(file, "");
  const config = await readGatewayConfig(["--port", "0", "--data-directory", join(file, "data")], {});
  const error: unknown = await startGateway(config, { clock: systemClock, log: silentLog }).catch((cause) => cause);
  expect(error).toMatchObject({ code: "GatewayDirectoryUnusable", message: expect.stringContaining("ENOTDIR") });
  expect(JSON.stringify(error)).not.toContain("backup");
  expect(directoryAdvice(Object.assign(new Error("x"), { code: "EROFS" }))).toContain("read-only");
  expect(directoryAdvice(Object.assign(new Error("x"), { code: "EACCES" }))).toContain("right to write");
});
