import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { loadKubeConfig } from "../../src/kubernetes/kube-config.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

/*
 * The reference: what Kubernetes' own client for this language makes of the same kubeconfig. The program doesn't carry it
 * (docs/adr/0014), but it must be read the same way.
 */

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const PEM = (name: string): string => `-----BEGIN CERTIFICATE-----\n${base64(name)}\n-----END CERTIFICATE-----\n`;

interface Case {
  readonly cluster: Record<string, unknown>;
  readonly user: Record<string, unknown>;
}

/** `$DIR` stands for the kubeconfig's directory. */
const CASES: Readonly<Record<string, Case>> = {
  "a token": { cluster: { server: "https://api.test:6443" }, user: { token: "t-1" } },
  "user name and password": { cluster: { server: "https://api.test" }, user: { username: "ä user", password: "p:w" } },
  "client certificate and authority as data": {
    cluster: { server: "https://api.test/clusters/c-1", "certificate-authority-data": base64(PEM("ca")) },
    user: { "client-certificate-data": base64(PEM("cert")), "client-key-data": base64(PEM("key")) },
  },
  "client certificate and authority in files": {
    cluster: { server: "https://10.0.0.1:6443", "certificate-authority": "$DIR/ca.pem" },
    user: { "client-certificate": "$DIR/cert.pem", "client-key": "$DIR/key.pem" },
  },
  "relative paths": {
    cluster: { server: "https://10.0.0.1:6443", "certificate-authority": "ca.pem" },
    user: { "client-certificate": "cert.pem", "client-key": "key.pem" },
  },
  "another server name": {
    cluster: { server: "https://10.0.0.1:6443", "tls-server-name": "api.test" },
    user: { token: "t-2" },
  },
};

test.each(Object.entries(CASES))(
  "a kubeconfig with %s is read as the reference client reads it",
  async (_name, { cluster, user }) => {
    const directory = await temporaryDirectory();
    for (const name of ["ca", "cert", "key"]) await writeFile(join(directory, `${name}.pem`), PEM(name));
    const text = JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "one",
      clusters: [{ name: "c", cluster }],
      users: [{ name: "u", user }],
      contexts: [{ name: "one", context: { cluster: "c", user: "u", namespace: "ingest" } }],
    }).replaceAll("$DIR", directory);
    const path = join(directory, "config");
    await writeFile(path, text, { mode: 0o600 });

    const reference = new KubeConfig();
    reference.loadFromFile(path);
    const options: Record<string, unknown> & { headers?: Record<string, string> } = {};
    await reference.applyToHTTPSOptions(options);

    const access = await loadKubeConfig({ env: { KUBECONFIG: path }, home: directory, clock: systemClock });
    expect(access.server).toBe(reference.getCurrentCluster()?.server);
    expect(access.namespace).toBe(reference.getContextObject("one")?.namespace);
    const { headers, tls } = await access.credentials.current();
    const authorization = new Headers(options.headers).get("authorization") ?? basic(options["auth"]);
    expect(headers["authorization"] ?? null).toBe(authorization);
    const { cert, key } = options;
    expect(present({ cert: tls.certificate, key: tls.key })).toEqual(present({ cert, key }));
    if ("certificate-authority" in cluster || "certificate-authority-data" in cluster)
      expect(tls.caCertificates?.join("")).toBe(String(options["ca"]));
    expect(tls.serverName).toBe(options["servername"]);
  },
);

function basic(auth: unknown): string | null {
  return typeof auth === "string" ? `Basic ${base64(auth)}` : null;
}

function present(parts: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parts).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}
