import { type ChildProcess, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { remedyFor } from "../documents/troubleshooting.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { testAuthority } from "../runtime/certificates.ts";
import { cleanEnvironment, Site } from "./site.ts";

/* Each fault is caused; what people then see leads to a section of docs/troubleshooting.md with the remedy. */

const MAIN = join(import.meta.dirname, "../../src/main.ts");

/** Starts a runner of its own with these settings and waits until its output has the text. Answers all of it. */
async function runnerSays(text: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const directory = await temporaryDirectory();
  const child: ChildProcess = spawn(process.execPath, [MAIN, "run"], {
    env: {
      ...cleanEnvironment(),
      AGENT_ID: "test-runner",
      AUTH_TOKEN: "not.a.token",
      INGESTION_COMMAND: '["true"]',
      METRICS_SERVER_PORT: "0",
      DATA_DIRECTORY: join(directory, "data"),
      ...environment,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  child.stderr?.on("data", (chunk: Uint8Array) => {
    output += String(chunk);
  });
  await eventually(() => expect(output).toContain(text), 20_000);
  child.kill("SIGKILL");
  return output;
}

/** The document explains what was seen, and its section has the words of the remedy. */
function expectRemedy(text: string, ...words: readonly string[]): void {
  const section = remedyFor(text);
  for (const word of words) expect(section, `the section on ${text}`).toContain(word);
}

describe("a runner that doesn't connect says a text that leads to the remedy", () => {
  test.each([
    ["nothing listens there", "ws://127.0.0.1:1", ["SERVER_URL"]],
    ["the host name is not known", "wss://no-such-host.invalid", ["DNS"]],
  ] as const)("%s", async (text, url, words) => {
    const output = await runnerSays(text, { SERVER_URL: url });
    expect(output).toContain("next=");
    expectRemedy(text, ...words);
  });

  test("no address at all", async () => {
    const output = await runnerSays("SERVER_URL is missing", { SERVER_URL: "" });
    expect(output).toContain("ConfigInvalid");
    expect(output).toContain("wss://");
    expectRemedy("SERVER_URL is missing", "wss://");
    expectRemedy("ConfigInvalid", "configuration.md");
  });

  test("wss:// where there is no TLS, a wrong token, and what the API says without a token", async () => {
    const site = await Site.open();
    const noTls = "the server doesn't speak TLS on this port";
    await runnerSays(noTls, { SERVER_URL: `wss://127.0.0.1:${site.port}` });
    expectRemedy(noTls, "ws://");
    const refused = await runnerSays("unauthorized", { SERVER_URL: `ws://127.0.0.1:${site.port}` });
    expect(refused).toContain("the token was issued for");
    expect(refused).not.toContain("not.a.token");
    expectRemedy("unauthorized", "AUTH_TOKEN", "token create");
    const answer = await fetch(`http://127.0.0.1:${site.port}/api/v1/runners`);
    expect([answer.status, await answer.json()]).toMatchObject([401, { code: "AdminTokenRefused" }]);
    expectRemedy("AdminTokenRefused", "admin-token", "401");
  });

  test("a certificate of an authority that is not known, for another name, or expired", async (context) => {
    const authority = await testAuthority();
    if (authority === undefined) return context.skip("there is no openssl on this machine");
    const file = join(await temporaryDirectory(), "authority.pem");
    await writeFile(file, authority.certificate);
    const good = await listenTls(authority.issue("IP:127.0.0.1", 1));
    const unknown = "issued by an authority that is not trusted here";
    await runnerSays(unknown, { SERVER_URL: good });
    expectRemedy(unknown, "SERVER_CA_FILE");
    // The remedy is one: with the file the same server is trusted, and answers something else.
    expect(await runnerSays("404", { SERVER_URL: good, SERVER_CA_FILE: file })).not.toContain(unknown);
    const otherName = "the server's certificate is for another name";
    const elsewhere = await listenTls(authority.issue("DNS:elsewhere.example", 1));
    await runnerSays(otherName, { SERVER_URL: elsewhere, SERVER_CA_FILE: file });
    expectRemedy(otherName, "name");
    const expired = "the server's certificate has expired";
    await runnerSays(expired, {
      SERVER_URL: await listenTls(authority.issue("IP:127.0.0.1", -1)),
      SERVER_CA_FILE: file,
    });
    expectRemedy(expired, "Renew", "clock");
  });
});

test("a run that fails says a category whose section has the remedy", async () => {
  const site = await Site.open();
  await site.script("failing", "echo the last words\nexit 3\n");
  await site.script("slow", "sleep 30\n");
  const first = await site.startRunner();
  await site.connected();
  const failed = await site.ended(await site.start(await site.deploy("failing")));
  expect(failed.failure).toMatchObject({ category: "ExitCode", logTail: ["the last words"] });
  expect(failed.failure?.summary).toContain("ended with exit code");
  expectRemedy("ended with exit code", "/logs");
  const unresolved = await site.ended(
    await site.start(await site.deploy("failing", { connection: "secret:/not/there" })),
  );
  expect(unresolved.failure?.category).toBe("SecretUnresolved");
  expect(JSON.stringify(unresolved.failure)).toContain("secret:/not/there");
  expectRemedy("SecretUnresolved", "path", "rights", "ARGO_EXTRA_ENVS");
  const late = await site.ended(await site.start(await site.deploy("slow", { timeoutSeconds: 1 })));
  expect(late.failure?.category).toBe("DeadlineExceeded");
  expectRemedy("DeadlineExceeded", "timeoutSeconds");
  await first.end("SIGTERM");

  await site.startRunner({ environment: { INGESTION_COMMAND: '["/no/such/program"]' } });
  await site.connected();
  const notStarted = await site.ended(await site.start(await site.deploy("failing")));
  expect(notStarted.failure?.category).toBe("StartFailed");
  expect(JSON.stringify(notStarted.failure)).toContain("/no/such/program");
  expectRemedy("StartFailed", "INGESTION_COMMAND");
});

/** A server with this certificate that knows nothing. Answers its address. */
async function listenTls(certificate: { readonly key: string; readonly cert: string }): Promise<string> {
  const server: Server = createServer(certificate, (_request, response) => response.writeHead(404).end());
  server.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `wss://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
