import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { explainError } from "../../src/base/errors.ts";
import type { KubernetesClient } from "../../src/kubernetes/client.ts";
import { loadKubeConfig } from "../../src/kubernetes/kube-config.ts";
import { CONFIG_MAPS } from "../../src/kubernetes/objects.ts";
import { type ForwardProxy, startForwardProxy } from "../fakes/forward-proxy.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { type ServerCertificate, type TestAuthority, testAuthority } from "../runtime/certificates.ts";
import { answer, configMap, type ScriptedServer, startApiServer } from "./api-server.ts";
import { openClient } from "./open.ts";

const startProxy = (targetPort: number): Promise<ForwardProxy> =>
  startForwardProxy({ targetPort, credentials: "us er:pass" });

async function clientFor(
  cluster: Readonly<Record<string, unknown>>,
  user: Readonly<Record<string, unknown>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<KubernetesClient> {
  const directory = await temporaryDirectory();
  const config = {
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "c", user: "c" } }],
    clusters: [{ name: "c", cluster }],
    users: [{ name: "c", user }],
  };
  await writeFile(join(directory, "config"), JSON.stringify(config));
  const all = { ...env, KUBECONFIG: join(directory, "config") };
  const access = await loadKubeConfig({ env: all, home: directory, clock: systemClock });
  return openClient(access, { limits: { callMs: 1500 } });
}

async function found(api: KubernetesClient): Promise<string> {
  return api.get(CONFIG_MAPS, "ns", "a").then(
    ({ metadata }) => metadata.name,
    (error: unknown) => explainError(error),
  );
}

async function serve(certificate: ServerCertificate, clients?: string): Promise<ScriptedServer> {
  const own = clients === undefined ? {} : { ca: clients, requestCert: true, rejectUnauthorized: true };
  return startApiServer((_seen, response) => answer(response, 200, configMap("a", 1)), { ...certificate, ...own });
}

/** The test's own authority; these tests need openssl. */
async function newAuthority(): Promise<TestAuthority> {
  const authority = await testAuthority();
  if (authority === undefined) throw new Error("there is no openssl on this machine");
  return authority;
}

test("the server must be vouched for by the kubeconfig's own authority", async () => {
  const authority = await newAuthority();
  const server = await serve(authority.issue("IP:127.0.0.1", 2));
  const trusted = { server: server.url, "certificate-authority-data": btoa(authority.certificate) };
  expect(await found(await clientFor(trusted))).toBe("a");
  expect(await found(await clientFor({ server: server.url }))).toContain("an authority that is not trusted here");
  expect(await found(await clientFor({ server: server.url, "insecure-skip-tls-verify": true }))).toBe("a");
});

test("the server's certificate must be for its address, or for the name that the kubeconfig says", async () => {
  const authority = await newAuthority();
  const server = await serve(authority.issue("DNS:kubernetes", 2));
  const trusted = { server: server.url, "certificate-authority-data": btoa(authority.certificate) };
  expect(await found(await clientFor(trusted))).toContain("the server's certificate is for another name");
  expect(await found(await clientFor({ ...trusted, "tls-server-name": "kubernetes" }))).toBe("a");
});

test("the name that the kubeconfig says may be an address, and another address than the certificate's is refused", async () => {
  const authority = await newAuthority();
  const server = await serve(authority.issue("IP:10.96.0.1", 2));
  const proxy = await startProxy(server.port);
  const trusted = { server: server.url, "certificate-authority-data": btoa(authority.certificate) };
  for (const way of [{}, { "proxy-url": `http://us%20er:pass@${proxy.address}` }]) {
    const named = (address: string) => clientFor({ ...trusted, ...way, "tls-server-name": address });
    expect(await found(await named("10.96.0.1"))).toBe("a");
    expect(await found(await named("10.96.0.2"))).toContain("the server's certificate is for another name");
  }
});

test("a client certificate lets in", async () => {
  const authority = await newAuthority();
  const server = await serve(authority.issue("IP:127.0.0.1", 2), authority.certificate);
  const trusted = { server: server.url, "certificate-authority-data": btoa(authority.certificate) };
  const own = authority.issue("DNS:client", 2);
  const user = { "client-certificate-data": btoa(own.cert), "client-key-data": btoa(own.key) };
  expect(await found(await clientFor(trusted, user))).toBe("a");
  expect(await found(await clientFor(trusted))).toContain("ApiUnavailable");
});

test("the cluster's own proxy is asked to CONNECT with its password, and TLS is spoken with the server behind it", async () => {
  const authority = await newAuthority();
  const server = await serve(authority.issue("IP:127.0.0.1", 2));
  const proxy = await startProxy(server.port);
  const cluster = { server: server.url, "certificate-authority-data": btoa(authority.certificate) };
  const api = await clientFor({ ...cluster, "proxy-url": `http://us%20er:pass@${proxy.address}` });
  expect(await found(api)).toBe("a");
  expect(await found(api)).toBe("a");
  expect(proxy.asked).toEqual([`127.0.0.1:${server.port}`]);
  const refused = await found(await clientFor({ ...cluster, "proxy-url": `http://us%20er:canary@${proxy.address}` }));
  expect(refused).toContain(`through the proxy ${proxy.address}: it doesn't take this user and password (407)`);
  expect(refused).not.toContain("canary");
});

test("T51: HTTPS_PROXY is used for the API server unless NO_PROXY excludes it", async () => {
  const authority = await newAuthority();
  const server = await serve(authority.issue("DNS:api.test", 2));
  const proxy = await startProxy(server.port);
  const cluster = { server: "https://api.test:6443", "certificate-authority-data": btoa(authority.certificate) };
  const env = { HTTPS_PROXY: `http://us%20er:pass@${proxy.address}` };
  expect(await found(await clientFor(cluster, {}, env))).toBe("a");
  expect(proxy.asked).toEqual(["api.test:6443"]);
  // There is no such host, so that without the proxy the call must fail.
  const direct = await found(await clientFor(cluster, {}, { ...env, NO_PROXY: ".svc,api.test" }));
  expect(direct).toContain("the host name is not known");
  expect(proxy.asked.length).toBe(1);
});
