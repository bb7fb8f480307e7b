import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { SUBPROTOCOL } from "../../src/protocol/version.ts";
import { type DialOptions, dial } from "../../src/runtime/dial.ts";
import { readProxy } from "../../src/runtime/proxy-address.ts";
import type { Socket } from "../../src/runtime/socket.ts";
import { FakeClock } from "../fakes/clock.ts";
import { eventually } from "../fakes/eventually.ts";
import { startForwardProxy } from "../fakes/forward-proxy.ts";
import { FakeGateway } from "../fakes/gateway.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { testAuthority } from "./certificates.ts";

async function dialThrough(proxy: string, url: string, more: Partial<DialOptions> = {}): Promise<Socket> {
  const socket = await dial({
    url,
    headers: { Authorization: "Bearer n33dle-token" },
    subprotocol: SUBPROTOCOL,
    connectTimeoutMs: 10_000,
    maxPayloadBytes: 1_000_000,
    proxy: readProxy(proxy),
    ...more,
  });
  onTestFinished(() => socket.terminate());
  return socket;
}

/** What comes of a dial: that the gateway has seen the token, or the error. */
async function outcome(gateway: FakeGateway, proxy: string, more: Partial<DialOptions> = {}): Promise<string> {
  const before = gateway.dials.length;
  try {
    await dialThrough(proxy, gateway.url, more);
  } catch (error) {
    expect(gateway.dials).toHaveLength(before);
    return `${String(error)} | ${(error as { advice?: string }).advice}`;
  }
  return gateway.dials.at(-1)?.token === "Bearer n33dle-token" ? "connected" : "no token";
}

test("dial goes through a proxy, for ws and for wss, with its user and password", async (context) => {
  const authority = await testAuthority();
  if (authority === undefined) return context.skip("there is no openssl command to make certificates with");
  const plain = await FakeGateway.start();
  const secure = await FakeGateway.start({}, { tls: authority.issue("IP:127.0.0.1", 2) });
  const proxy = await startForwardProxy({ credentials: "us er:100%" });
  const address = `http://us%20er:100%@${proxy.address}`;
  expect(await outcome(plain, address)).toBe("connected");
  expect(await outcome(secure, address, { caCertificates: [authority.certificate] })).toBe("connected");
  expect(proxy.asked).toEqual([`127.0.0.1:${plain.port}`, `127.0.0.1:${secure.port}`]);
  // The proxy stands between, and is not who the certificate has to be for.
  expect(await outcome(secure, address)).toContain("an authority that is not trusted here");
});

test("dial speaks TLS with a proxy that wants it, and verifies its certificate", async (context) => {
  const authority = await testAuthority();
  if (authority === undefined) return context.skip("there is no openssl command to make certificates with");
  const gateway = await FakeGateway.start();
  const proxy = await startForwardProxy({ tls: authority.issue("IP:127.0.0.1", 2) });
  const told = await outcome(gateway, `https://${proxy.address}`);
  expect(told).toContain(
    `through the proxy ${proxy.address}: with the proxy itself, the server's certificate was issued by`,
  );
  expect(proxy.asked).toEqual([]);
  expect(await outcome(gateway, `https://127.0.0.1:${(await startForwardProxy()).port}`)).toContain(
    "doesn't speak TLS",
  );
});

test.each([
  [
    "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n\r\n",
    "doesn't take this user and password (407)",
    "user:password@",
  ],
  ["HTTP/1.1 407 No\r\n\r\n", "doesn't take this user and password (407)", "user:password@"],
  [
    "HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n",
    "a sign-in by Negotiate or NTLM",
    "let this machine through",
  ],
  ["HTTP/1.1 403 Forbidden\r\n\r\n<html>", "doesn't let this address through (403)", "allow CONNECT"],
  ["HTTP/1.1 502 Bad Gateway\r\n\r\n", "can't reach this address (502)", "may connect there"],
  ["HTTP/1.1 503 Unavailable\r\n\r\n", "can't reach this address (503)", "may connect there"],
  ["HTTP/1.1 405 Not Allowed\r\n\r\n", "opens no tunnels (405)", "forward proxy"],
  ["HTTP/1.1 418 Teapot\r\n\r\n", "refuses (418)", "log"],
  ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "its answer is not HTTP", "address and port"],
  [`HTTP/1.1 200 Fine\r\n${"x".repeat(20_000)}`, "its answer is not HTTP", "address"],
  ["HTTP/1.1 2", "it cut the connection", "address"],
])("dial tells the proxy's answer %j as what it is", async (answer, says, advice) => {
  const gateway = await FakeGateway.start();
  const proxy = await startForwardProxy({ answer });
  const told = await outcome(gateway, `http://user:n33dle-password@${proxy.address}`);
  expect(told).toContain(`Cannot reach 127.0.0.1:${gateway.port} through the proxy ${proxy.address}: `);
  expect(told).toContain(says);
  expect(told.split(" | ")[1]).toContain(advice);
  expect(told).not.toContain("n33dle");
  expect(proxy.asked).toHaveLength(1);
});

test("dial tells a proxy that asks for credentials when it was given none, and one that isn't there", async () => {
  const gateway = await FakeGateway.start();
  const proxy = await startForwardProxy({ credentials: "user:password" });
  expect(await outcome(gateway, proxy.address)).toContain("it wants a user and a password (407)");
  expect(await outcome(gateway, "http://127.0.0.1:1")).toContain("with the proxy itself, nothing listens there");
  expect(await outcome(gateway, "http://no-such-host.invalid")).toContain(
    "with the proxy itself, the host name is not known",
  );
});

test("dial ends in time with a silent proxy, and leaves no connection to it behind", async () => {
  const gateway = await FakeGateway.start();
  const open = new Set<object>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => open.delete(socket));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const clock = new FakeClock();
  const told = outcome(gateway, `127.0.0.1:${port}`, { clock });
  await eventually(() => expect(open.size).toBe(1));
  clock.advance(10_000);
  expect(await told).toContain(`through the proxy 127.0.0.1:${port}: no answer within 10000 ms`);
  clock.advance(20_000);
  await eventually(() => expect(open.size).toBe(0));
});

test("dial goes through tinyproxy, which takes its user and password, and refuses others", async (context) => {
  if (!isInstalled("tinyproxy")) return context.skip("there is no tinyproxy on this machine");
  const gateway = await FakeGateway.start();
  const port = await startTinyproxy(["BasicAuth user pass-word_1"]);
  expect(await outcome(gateway, `http://user:pass%2Dword_1@127.0.0.1:${port}`)).toBe("connected");
  expect(await outcome(gateway, `http://user:wrong@127.0.0.1:${port}`)).toMatch(
    /doesn't take this user and password \(407\)|lets? this address through \(40[13]\)/,
  );
  expect(await outcome(gateway, `127.0.0.1:${port}`)).toContain("wants a user and a password (407)");
  const strict = await startTinyproxy(["ConnectPort 443"]);
  expect(await outcome(gateway, `127.0.0.1:${strict}`)).toContain("doesn't let this address through (403)");
});

function isInstalled(program: string): boolean {
  try {
    execFileSync("/bin/sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function startTinyproxy(lines: readonly string[]): Promise<number> {
  const port = await freePort();
  const file = join(await temporaryDirectory(), "tinyproxy.conf");
  await writeFile(file, [`Port ${port}`, "Listen 127.0.0.1", "Timeout 60", "MaxClients 20", ...lines, ""].join("\n"));
  const child: ChildProcess = spawn("tinyproxy", ["-d", "-c", file], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  await eventually(
    () =>
      new Promise<void>((resolve, reject) => {
        const probe = connect(port, "127.0.0.1", () => resolve(void probe.destroy()));
        probe.on("error", reject);
      }),
  );
  return port;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
