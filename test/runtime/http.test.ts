import { writeFile } from "node:fs/promises";
import { request as requestTls } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { type HttpListener, type HttpListenOptions, listenHttp } from "../../src/runtime/http.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { testAuthority } from "./certificates.ts";

async function listen(options: Partial<HttpListenOptions>): Promise<HttpListener> {
  const listener = await listenHttp({
    host: "127.0.0.1",
    port: 0,
    clock: systemClock,
    handle: (_, response) => void response.end("hello"),
    ...options,
  });
  onTestFinished(() => listener.close(0));
  return listener;
}

test("listenHttp takes a free port and serves on it until it is closed", async () => {
  const listener = await listen({});
  expect(listener.port).toBeGreaterThan(0);
  expect(await (await fetch(listener.url)).text()).toBe("hello");
  await listener.close(1000);
  await expect(fetch(listener.url)).rejects.toThrow();
});

test("listenHttp serves TLS with the given files", async ({ skip }) => {
  const authority = await testAuthority();
  if (authority === undefined) return skip("no openssl on this machine");
  const directory = await temporaryDirectory();
  const { cert, key } = authority.issue("IP:127.0.0.1", 2);
  const tls = { certFile: join(directory, "cert.pem"), keyFile: join(directory, "key.pem") };
  await writeFile(tls.certFile, cert);
  await writeFile(tls.keyFile, key);
  const { url } = await listen({ tls });
  expect(url).toMatch(/^https:/);
  const status = await new Promise((resolve, reject) => {
    requestTls(url, { ca: authority.certificate }, (response) => resolve(response.statusCode))
      .on("error", reject)
      .end();
  });
  expect(status).toBe(200);
  await expect(listen({ tls: { ...tls, keyFile: join(directory, "missing.pem") } })).rejects.toThrow(
    "missing.pem is not there",
  );
});

test("listenHttp lets a request end while it closes, and cuts one that takes longer than the limit", async () => {
  const answers: (() => void)[] = [];
  const handle: HttpListenOptions["handle"] = (_, response) => void answers.push(() => response.end("late"));
  const waitFor = async (): Promise<() => void> => {
    while (answers.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    return answers.shift() ?? (() => undefined);
  };
  const patient = await listen({ handle });
  const answered = fetch(patient.url).then((response) => response.text());
  const answer = await waitFor();
  const closing = patient.close(10_000);
  answer();
  expect(await answered).toBe("late");
  await closing;

  const hurried = await listen({ handle });
  const cut = fetch(hurried.url).then(
    () => "answered",
    () => "cut",
  );
  await waitFor();
  await hurried.close(50);
  expect(await cut).toBe("cut");
});

test("listenHttp answers a handler that fails by cutting the connection, and goes on", async () => {
  let calls = 0;
  const { url } = await listen({
    handle: async (_, response) => {
      if (++calls === 1) throw new Error("broken handler");
      response.end("fine");
    },
  });
  await expect(fetch(url)).rejects.toThrow();
  expect(await (await fetch(url)).text()).toBe("fine");
});

test("listenHttp cuts upgrades when nobody takes them over", async () => {
  const { port, url } = await listen({});
  await new Promise<void>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    });
    socket.on("close", () => resolve());
  });
  expect((await fetch(url)).status).toBe(200);
});

test("listenHttp refuses a request with headers without end", async () => {
  const { url } = await listen({});
  const response = await fetch(url, { headers: { "x-long": "x".repeat(40_000) } });
  expect(response.status).toBe(431);
});
