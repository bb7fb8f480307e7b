import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { openKubernetesProvider } from "../../src/secrets/providers/kubernetes.ts";
import { createResolver } from "../../src/secrets/resolver.ts";
import { eventually } from "../fakes/eventually.ts";
import { describeProviderContract } from "../secrets/provider.contract.ts";
import { apply, kubectl } from "./cluster-tool.ts";
import { letPodsReadSecrets } from "./namespace.ts";

/* As a pod's service account, whose token is asked for from outside; test/cluster/wrapper-in-pod.test.ts is inside. */

const NAMESPACE = `t-provider-${crypto.randomUUID().slice(0, 8)}`;
let directory: string;
let environment: Record<string, string>;

beforeAll(async () => {
  await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } });
  await apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "ingestion" } }, NAMESPACE);
  directory = await mkdtemp(join(tmpdir(), "service-account-"));
  const view = JSON.parse(await kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"));
  const { server, "certificate-authority-data": authority } = view.clusters[0].cluster;
  await writeFile(join(directory, "ca.crt"), Buffer.from(authority, "base64"));
  await writeFile(join(directory, "namespace"), NAMESPACE);
  await writeFile(join(directory, "token"), await kubectl("-n", NAMESPACE, "create", "token", "ingestion"));
  const { hostname, port } = new URL(server);
  environment = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port === "" ? "443" : port };
});

afterAll(async () => {
  await kubectl("delete", "namespace", NAMESPACE, "--wait=false", "--ignore-not-found");
  await rm(directory, { recursive: true, force: true });
});

async function mayRead(expected: boolean): Promise<void> {
  const who = `system:serviceaccount:${NAMESPACE}:ingestion`;
  await eventually(async () => {
    const said = await kubectl("-n", NAMESPACE, "auth", "can-i", "get", "secrets", "--as", who).catch(() => "no");
    expect(said.trim().startsWith("yes")).toBe(expected);
  });
}

const never = { never: "the cluster is not this test's alone" };

describeProviderContract("kubernetes provider on a real cluster", async () => {
  await letPodsReadSecrets(NAMESPACE, "ingestion");
  await mayRead(true);
  await kubectl("-n", NAMESPACE, "delete", "secrets", "--all");
  const settings = { provider: "kubernetes", serviceAccountDirectory: directory } as const;
  const provider = await openKubernetesProvider(settings, environment);
  return {
    provider,
    put: async (name, value) => {
      const file = join(directory, "value");
      await writeFile(file, value);
      await kubectl(
        "-n",
        NAMESPACE,
        "create",
        "secret",
        "generic",
        name.slice(1).replaceAll("/", "-"),
        "--from-file",
        file,
      );
    },
    deny: async () => {
      await kubectl("-n", NAMESPACE, "delete", "rolebinding", "ingestion");
      await mayRead(false);
    },
    breakStore: never,
    delay: never,
    binary: true,
    oversize: { never: "a Secret holds at most 1 MiB" },
    close: () => provider.dispose(),
  };
});

test("with a kubeconfig, the Secrets of the namespace that is named are read, by every form", async () => {
  const data = { value: "whole", password: "of-the-key" };
  await apply({ apiVersion: "v1", kind: "Secret", metadata: { name: "shop-db" }, stringData: data }, NAMESPACE);
  const kubeconfig = { KUBECONFIG: process.env["KUBECONFIG"] ?? "" };
  const provider = await openKubernetesProvider({ provider: "kubernetes", namespace: NAMESPACE }, kubeconfig);
  try {
    const resolver = createResolver({ provider, clock: systemClock });
    const references = ["secret:shop-db", "secret:/shop-db/password", "secret:shop-db#password", "secret:/shop/db"];
    const { value } = await resolver.resolveTree(references, AbortSignal.timeout(20_000));
    expect(value).toEqual(["whole", "of-the-key", "of-the-key", "whole"]);
    await provider.check(AbortSignal.timeout(20_000));
  } finally {
    await provider.dispose();
  }
});
