import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { startForwardProxy } from "../fakes/forward-proxy.ts";
import { FakeGateway } from "../fakes/gateway.ts";
import { startRunnerProcess } from "../fakes/runner-process.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { testAuthority } from "../runtime/certificates.ts";

/* A whole runner as a process of its own, and what its environment says of the way to the gateway and of whom to trust. */

/** A gateway with TLS whose authority nobody knows, and the files of two authorities. */
async function secureGateway(): Promise<{
  readonly gateway: FakeGateway;
  readonly port: number;
  readonly file: string;
  readonly otherFile: string;
}> {
  const [authority, other] = [await testAuthority(), await testAuthority()];
  if (authority === undefined || other === undefined) throw new Error("there is no openssl on this machine");
  const gateway = await FakeGateway.start({}, { tls: authority.issue("IP:127.0.0.1,DNS:gateway.test", 2) });
  const directory = await temporaryDirectory();
  const [file, otherFile] = [join(directory, "ca.pem"), join(directory, "other.pem")];
  await writeFile(file, authority.certificate);
  await writeFile(otherFile, other.certificate);
  return { gateway, port: gateway.port, file, otherFile };
}

const UNTRUSTED = "issued by an authority that is not trusted here";

describe("the way to the gateway", () => {
  test.each(["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])("leads through the proxy that %s names", async (variable) => {
    const { gateway, port, file } = await secureGateway();
    const proxy = await startForwardProxy({ targetPort: port, credentials: "user:100%" });
    const runner = await startRunnerProcess({
      [variable]: `http://user:100%@${proxy.address}`,
      SERVER_URL: `gateway.test:${port}`,
      SERVER_CA_FILE: file,
    });
    await (await gateway.session(0)).expect("inStep");
    expect(proxy.asked[0]).toBe(`gateway.test:${port}`);
    expect(runner.output()).toContain(`proxy=${proxy.address} variable=${variable}`);
    expect(runner.output()).not.toContain("100%");
  });

  test("leads through HTTP_PROXY without TLS, and through none where NO_PROXY lists the gateway", async () => {
    const gateway = await FakeGateway.start();
    const proxy = await startForwardProxy({ targetPort: gateway.port });
    const variables = { HTTP_PROXY: proxy.address, SERVER_URL: "ws://gateway.test" };
    await startRunnerProcess(variables);
    await (await gateway.session(0)).expect("inStep");
    const direct = await startRunnerProcess({ ...variables, NO_PROXY: "10.0.0.0/8,.gateway.test,gateway.test" });
    await direct.says("the host name is not known");
    expect(proxy.asked).toEqual(["gateway.test:80"]);
  });

  test("never leads through a proxy that somebody's NODE_USE_ENV_PROXY means when NO_PROXY excludes the gateway", async () => {
    const gateway = await FakeGateway.start();
    const proxy = await startForwardProxy({ targetPort: gateway.port });
    const variables = {
      NODE_USE_ENV_PROXY: "1",
      HTTP_PROXY: `http://${proxy.address}`,
      SERVER_URL: `ws://127.0.0.1:${gateway.port}`,
    };
    await startRunnerProcess(variables);
    await (await gateway.session(0)).expect("inStep");
    expect(proxy.asked).toEqual([]);
  });

  test.each([
    ["socks5://user:n33dle@proxy.test:1080", "SOCKS isn't spoken here"],
    ["http://user:n33dle@proxy.test:port", "such as http://proxy.example.com:3128"],
  ])("that %s names is refused at the start", async (proxy, told) => {
    const runner = await startRunnerProcess({ HTTPS_PROXY: proxy, SERVER_URL: "gateway.test" });
    expect(await runner.exited).toBe(2);
    expect(runner.output()).toContain("HTTPS_PROXY must be the address of an HTTP proxy");
    expect(runner.output()).toContain(told);
    expect(runner.output()).not.toContain("n33dle");
  });

  test("a proxy that refuses is told as one, with the next step", async () => {
    const proxy = await startForwardProxy({ answer: "HTTP/1.1 403 Forbidden\r\n\r\n" });
    const runner = await startRunnerProcess({ HTTPS_PROXY: proxy.address, SERVER_URL: "gateway.test" });
    await runner.says(
      `Cannot reach gateway.test:443 through the proxy ${proxy.address}: it doesn't let this address through (403)`,
    );
    expect(runner.output()).toContain("Have the proxy's administrator allow CONNECT");
  });
});

describe("whom the runner trusts", () => {
  test("is decided by SERVER_CA_FILE alone when it is set, and by SERVER_EXTRA_CA_FILE besides", async () => {
    const { gateway, port, file, otherFile } = await secureGateway();
    const SERVER_URL = `127.0.0.1:${port}`;
    // Trusted by the runtime and by the system, as a public authority is.
    const everybody = { SERVER_URL, NODE_EXTRA_CA_CERTS: file, SSL_CERT_FILE: file };
    const pinned = await startRunnerProcess({ ...everybody, SERVER_CA_FILE: otherFile });
    await pinned.says(UNTRUSTED);
    expect(gateway.dials).toEqual([]);
    await startRunnerProcess({ SERVER_URL, SERVER_CA_FILE: otherFile, SERVER_EXTRA_CA_FILE: file });
    await (await gateway.session(0)).expect("inStep");
    await startRunnerProcess({ SERVER_URL, SERVER_EXTRA_CA_FILE: file });
    await (await gateway.session(1)).expect("inStep");
  });

  test.each(["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"])(
    "is also whom the system trusts, as %s has it",
    async (variable) => {
      const { gateway, port, file } = await secureGateway();
      const value = variable === "SSL_CERT_DIR" ? join(file, "..") : file;
      const SERVER_URL = `127.0.0.1:${port}`;
      await (await startRunnerProcess({ SERVER_URL })).says(UNTRUSTED);
      await startRunnerProcess({ SERVER_URL, [variable]: value });
      await (await gateway.session(0)).expect("inStep");
      expect(gateway.dials).toHaveLength(1);
    },
  );

  test("is nobody the more for NODE_TLS_REJECT_UNAUTHORIZED=0, also behind a proxy with TLS", async () => {
    const { gateway, port } = await secureGateway();
    const environment = { NODE_TLS_REJECT_UNAUTHORIZED: "0" };
    await (await startRunnerProcess({ ...environment, SERVER_URL: `127.0.0.1:${port}` })).says(UNTRUSTED);
    const authority = await testAuthority();
    if (authority === undefined) throw new Error("there is no openssl on this machine");
    const proxy = await startForwardProxy({ targetPort: port, tls: authority.issue("IP:127.0.0.1", 2) });
    const through = { ...environment, SERVER_URL: "gateway.test", HTTPS_PROXY: `https://${proxy.address}` };
    await (await startRunnerProcess(through)).says(UNTRUSTED);
    expect([gateway.dials, proxy.asked]).toEqual([[], []]);
  });

  test.each([
    [
      "without a certificate",
      "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
      "holds no certificate in PEM",
    ],
    ["that is empty", "", "holds no certificate in PEM"],
    [
      "with a broken certificate",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
      "holds 1 certificates, and number 1 is broken",
    ],
    ["that isn't there", undefined, "is no file that is there"],
  ])("a file %s is refused at the start by its name", async (_what, text, told) => {
    const directory = await temporaryDirectory();
    const file = join(directory, "ca.pem");
    if (text !== undefined) await writeFile(file, text);
    const DATA_DIRECTORY = join(directory, "data");
    for (const variable of ["SERVER_CA_FILE", "SERVER_EXTRA_CA_FILE"]) {
      const runner = await startRunnerProcess({ SERVER_URL: "127.0.0.1:1", [variable]: file, DATA_DIRECTORY });
      expect(await runner.exited).toBe(1);
      expect(existsSync(DATA_DIRECTORY)).toBe(false);
      expect(runner.output()).toContain(`Cannot use the certificates of ${variable}: ${file} ${told}`);
    }
  });

  test("changes with the file, without a restart", async () => {
    const { gateway, port, file, otherFile } = await secureGateway();
    const { copyFile, rename } = await import("node:fs/promises");
    const place = `${otherFile}.used`;
    await copyFile(otherFile, place);
    const runner = await startRunnerProcess({ SERVER_URL: `127.0.0.1:${port}`, SERVER_CA_FILE: place });
    await runner.says(UNTRUSTED);
    await copyFile(file, `${place}.next`);
    await rename(`${place}.next`, place);
    await (await gateway.session(0)).expect("inStep");
  });
});

test("ws:// to a port with TLS is told as that, and other silent servers aren't", async () => {
  const { port } = await secureGateway();
  const runner = await startRunnerProcess({ SERVER_URL: `ws://127.0.0.1:${port}` });
  await runner.says("the server speaks TLS on this port");
  expect(runner.output()).toContain("Write wss:// in place of ws://");
  const server = createServer((socket) => void socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port: mute } = server.address() as { port: number };
  const other = await startRunnerProcess({ SERVER_URL: `ws://127.0.0.1:${mute}` });
  await other.says("the connection was cut before an answer came");
});
