import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { explainError } from "../../src/base/errors.ts";
import { type KubeConfigOptions, loadKubeConfig } from "../../src/kubernetes/kube-config.ts";
import { FakeClock } from "../fakes/clock.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

const PEM = "-----BEGIN CERTIFICATE-----\nZZZZ\n-----END CERTIFICATE-----\n";
const KEY = PEM.replaceAll("CERTIFICATE", "PRIVATE KEY");

/** A kubeconfig with one of each; parts may be replaced. */
function kubeconfig(parts: { cluster?: unknown; user?: unknown; context?: unknown; current?: string } = {}): unknown {
  return {
    apiVersion: "v1",
    kind: "Config",
    "current-context": parts.current ?? "main",
    clusters: [{ name: "c", cluster: parts.cluster ?? { server: "https://api.test:6443/" } }],
    users: [{ name: "u", user: parts.user ?? { token: "canary-token-1" } }],
    contexts: [{ name: "main", context: parts.context ?? { cluster: "c", user: "u", namespace: "ingest" } }],
  };
}

async function place(files: Readonly<Record<string, unknown>>): Promise<string> {
  const home = await temporaryDirectory();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(home, name)), { recursive: true });
    await writeFile(join(home, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return home;
}

function options(home: string, more: Partial<KubeConfigOptions> = {}): KubeConfigOptions {
  return { env: {}, home, clock: new FakeClock(), serviceAccountDirectory: join(home, "nowhere"), ...more };
}

async function mistake(config: unknown, more: Partial<KubeConfigOptions> = {}): Promise<string> {
  const home = await place({ ".kube/config": config });
  try {
    await loadKubeConfig(options(home, more));
  } catch (error) {
    expect(error).toMatchObject({ code: "KubeconfigUnusable" });
    const text = explainError(error);
    expect(text).not.toContain("canary");
    return text.replaceAll(home, "HOME");
  }
  throw new Error("it was taken");
}

describe("finding", () => {
  test("the file in the home directory gives server, namespace and token", async () => {
    const home = await place({ ".kube/config": kubeconfig() });
    const access = await loadKubeConfig(options(home));
    expect(access).toMatchObject({
      server: "https://api.test:6443",
      namespace: "ingest",
      inCluster: false,
      insecure: false,
    });
    expect(access.source).toBe(`context "main" of ${join(home, ".kube/config")}`);
    expect((await access.credentials.current()).headers).toEqual({ authorization: "Bearer canary-token-1" });
  });

  test("several files count as one: the first entry of a name wins, missing files are left aside, a context is chosen by name", async () => {
    const home = await place({
      "a/one": kubeconfig(),
      "b/two": {
        ...(kubeconfig({ user: { tokenFile: "token" } }) as object),
        "current-context": "other",
        contexts: [
          { name: "main", context: { cluster: "c2", user: "u" } },
          { name: "other", context: { cluster: "c2", user: "u2" } },
        ],
        clusters: [{ name: "c2", cluster: { server: "https://two.test" } }],
        users: [{ name: "u2", user: { tokenFile: "token" } }],
      },
      "b/token": " two \n",
    });
    const env = { KUBECONFIG: `${home}/a/one:${home}/missing:${home}/b/two` };
    expect((await loadKubeConfig(options(home, { env }))).server).toBe("https://api.test:6443");
    const other = await loadKubeConfig(options(home, { env, context: "other" }));
    expect(other.server).toBe("https://two.test");
    expect((await other.credentials.current()).headers).toEqual({ authorization: "Bearer two" });
  });

  test("a pod's service account is used where there is no kubeconfig, its token is read again, and no proxy is asked", async () => {
    const home = await place({ "sa/token": "one\n", "sa/ca.crt": PEM, "sa/namespace": "ingest\n" });
    const clock = new FakeClock();
    const env = {
      KUBERNETES_SERVICE_HOST: "fd00::1",
      KUBERNETES_SERVICE_PORT: "443",
      HTTPS_PROXY: "http://proxy.test",
    };
    const access = await loadKubeConfig(options(home, { env, clock, serviceAccountDirectory: join(home, "sa") }));
    expect(access).toMatchObject({ server: "https://[fd00::1]:443", namespace: "ingest", inCluster: true });
    expect(access.proxy).toBeUndefined();
    const first = await access.credentials.current();
    expect(first).toMatchObject({ headers: { authorization: "Bearer one" }, tls: { caCertificates: [PEM] } });
    await writeFile(join(home, "sa/token"), "two");
    expect(await access.credentials.current()).toBe(first);
    await clock.advance(10_000);
    const second = await access.credentials.current();
    expect(second.headers).toEqual({ authorization: "Bearer two" });
    expect(second.tls).toBe(first.tls);
    await writeFile(join(home, "sa/token"), "three");
    access.credentials.refused(second);
    expect((await access.credentials.current()).headers).toEqual({ authorization: "Bearer three" });
    await writeFile(join(home, "sa/token"), "");
    await clock.advance(10_000);
    expect((await access.credentials.current()).headers).toEqual({ authorization: "Bearer three" });
  });

  test.each([
    ["a token", { token: "canary-new" }, { headers: { authorization: "Bearer canary-new" } }],
    [
      "a certificate",
      { "client-certificate-data": btoa(PEM), "client-key-data": btoa(KEY) },
      { headers: {}, tls: { certificate: PEM, key: KEY } },
    ],
    ["a password", { username: "u", password: "p" }, { headers: { authorization: `Basic ${btoa("u:p")}` } }],
    ["a file in place of the token", { tokenFile: "token" }, { headers: { authorization: "Bearer from-file" } }],
  ])(
    "%s that was written into the kubeconfig itself counts after a 401, and not before",
    async (_what, user, found) => {
      const home = await place({ ".kube/config": kubeconfig(), ".kube/token": "from-file" });
      const clock = new FakeClock();
      const { credentials } = await loadKubeConfig(options(home, { clock }));
      const first = await credentials.current();
      await writeFile(join(home, ".kube/config"), JSON.stringify(kubeconfig({ user })));
      await clock.advance(60_000);
      expect(await credentials.current()).toBe(first);
      credentials.refused(first);
      const second = await credentials.current();
      expect(second).toMatchObject(found);
      // No more often than every 5 s, however many calls are refused.
      await writeFile(join(home, ".kube/config"), JSON.stringify(kubeconfig({ user: { token: "third" } })));
      credentials.refused(second);
      expect(await credentials.current()).toBe(second);
      await clock.advance(5000);
      credentials.refused(second);
      expect((await credentials.current()).headers).toEqual({ authorization: "Bearer third" });
    },
  );

  test.each([
    ["is broken", "users: ["],
    ["is gone from there", ""],
    ["belongs to another server now", kubeconfig({ user: { token: "other" }, cluster: { server: "https://b.test" } })],
  ])("a refused entry that %s is left as it was", async (_what, now) => {
    const home = await place({ ".kube/config": kubeconfig() });
    const { credentials } = await loadKubeConfig(options(home));
    const first = await credentials.current();
    await writeFile(join(home, ".kube/config"), typeof now === "string" ? now : JSON.stringify(now));
    credentials.refused(first);
    expect(await credentials.current()).toBe(first);
  });

  test("nothing at all is told with every place that was looked at", async () => {
    const home = await place({});
    await expect(loadKubeConfig(options(home))).rejects.toThrow(
      `Cannot find a Kubernetes cluster: KUBECONFIG is not set, there is no ${home}/.kube/config, and no service account is mounted here`,
    );
    await expect(loadKubeConfig(options(home, { env: { KUBECONFIG: "/no/such" } }))).rejects.toThrow(
      "Cannot use the kubeconfig /no/such: there is no such file",
    );
    const env = { KUBERNETES_SERVICE_HOST: "h", KUBERNETES_SERVICE_PORT: "443" };
    await expect(loadKubeConfig(options(home, { env }))).rejects.toMatchObject({ code: "KubeconfigUnusable" });
  });
});

describe("mistakes are told with file and field, and without content", () => {
  test.each<[string, unknown, string]>([
    ["no YAML", 'users: [\n  - token: "canary', "line 2, column"],
    ["a list", "- canary", "its content must be a mapping"],
    ["clusters of a wrong type", { clusters: "canary" }, "clusters must be a list"],
    ["no current context", { contexts: [] }, "no current-context is set"],
    ["an unknown context", kubeconfig({ current: "x" }), 'there is no context "x"; contexts there: "main"'],
    [
      "an unknown cluster",
      kubeconfig({ context: { cluster: "x" } }),
      'contexts[0].context.cluster names the cluster "x"',
    ],
    [
      "an unknown user",
      kubeconfig({ context: { cluster: "c", user: "x" } }),
      'contexts[0].context.user names the user "x"',
    ],
    ["no server", kubeconfig({ cluster: {} }), "clusters[0].cluster.server is missing"],
    ["http elsewhere", kubeconfig({ cluster: { server: "http://api.test" } }), "http:// is for this machine only"],
    [
      "a broken authority",
      kubeconfig({ cluster: { server: "https://a", "certificate-authority-data": "canary!" } }),
      "must be base64",
    ],
    [
      "a missing file",
      kubeconfig({ cluster: { server: "https://a", "certificate-authority": "ca.pem" } }),
      "the file HOME/.kube/ca.pem is not there",
    ],
    [
      "a certificate alone",
      kubeconfig({ user: { "client-certificate-data": btoa(PEM) } }),
      "users[0].user.client-key is missing",
    ],
    [
      "an old provider",
      kubeconfig({ user: { "auth-provider": { name: "oidc" } } }),
      "users[0].user.auth-provider is not supported",
    ],
    [
      "an old plugin",
      kubeconfig({ user: { exec: { apiVersion: "client.authentication.k8s.io/v1alpha1", command: "x" } } }),
      "users[0].user.exec.apiVersion must be",
    ],
    [
      "a plugin that talks",
      kubeconfig({
        user: { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "x", interactiveMode: "Always" } },
      }),
      "interactiveMode is Always",
    ],
    [
      "a socks proxy",
      kubeconfig({ cluster: { server: "https://a", "proxy-url": "socks5://p" } }),
      "clusters[0].cluster.proxy-url must be the address of an HTTP proxy: SOCKS",
    ],
  ])("%s", async (_what, config, told) => {
    const text = await mistake(config);
    expect(text).toContain(told);
    expect(text).toContain("HOME/.kube/config");
  });
});

describe("settings of a cluster and a user", () => {
  test("data counts before files, relative files begin at the kubeconfig, and whom to act as becomes headers", async () => {
    const home = await place({
      ".kube/config": kubeconfig({
        cluster: {
          server: "https://a",
          "certificate-authority": "ca.pem",
          "tls-server-name": "kubernetes",
          "insecure-skip-tls-verify": true,
        },
        user: {
          "client-certificate-data": btoa(PEM),
          "client-certificate": "missing",
          "client-key": "key.pem",
          username: "ü",
          password: "p",
          as: "someone",
          "as-groups": ["g1", "g2"],
          "as-user-extra": { "Some/Thing": ["x"] },
        },
      }),
      ".kube/ca.pem": PEM,
      ".kube/key.pem": "-----BEGIN KEY",
    });
    const access = await loadKubeConfig(options(home));
    expect(access.insecure).toBe(true);
    expect(await access.credentials.current()).toEqual({
      headers: {
        authorization: `Basic ${Buffer.from("ü:p").toString("base64")}`,
        "impersonate-user": "someone",
        "impersonate-group": ["g1", "g2"],
        "impersonate-extra-some%2Fthing": ["x"],
      },
      tls: { insecure: true, serverName: "kubernetes", caCertificates: [PEM], certificate: PEM, key: "-----BEGIN KEY" },
    });
  });

  test("the proxy is the cluster's own, else the environment's unless NO_PROXY excludes the server", async () => {
    const env = { HTTPS_PROXY: "http://env.test:3128", NO_PROXY: "10.0.0.0/8,.internal" };
    const proxy = async (cluster: unknown): Promise<string | undefined> => {
      const home = await place({ ".kube/config": kubeconfig({ cluster }) });
      return (await loadKubeConfig(options(home, { env }))).proxy?.name;
    };
    expect(await proxy({ server: "https://api.test" })).toBe("env.test:3128");
    expect(await proxy({ server: "https://10.1.2.3:6443" })).toBeUndefined();
    expect(await proxy({ server: "https://api.internal" })).toBeUndefined();
    expect(await proxy({ server: "https://10.1.2.3:6443", "proxy-url": "http://own.test" })).toBe("own.test:80");
  });

  test("a changed certificate makes a new TLS identity, an unchanged one doesn't", async () => {
    const home = await place({
      ".kube/config": kubeconfig({ user: { "client-certificate": "c.pem", "client-key": "k.pem" } }),
      ".kube/c.pem": PEM,
      ".kube/k.pem": "-----BEGIN KEY",
    });
    const clock = new FakeClock();
    const { credentials } = await loadKubeConfig(options(home, { clock }));
    const first = await credentials.current();
    await clock.advance(11_000);
    expect(await credentials.current()).toBe(first);
    await writeFile(join(home, ".kube/c.pem"), `${PEM}${PEM}`);
    await clock.advance(11_000);
    expect((await credentials.current()).tls.certificate).toBe(`${PEM}${PEM}`);
  });
});
