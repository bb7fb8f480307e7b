import { expect, onTestFinished, test } from "vitest";
import { createLog } from "../../src/base/log.ts";
import { installationName } from "../../src/executor/pods/names.ts";
import { CONFIG_MAPS, type ConfigMap, NAMESPACES } from "../../src/kubernetes/objects.ts";
import { clusterInstallationId } from "../../src/runner/cluster-installation.ts";
import { installationId } from "../../src/runner/installation.ts";
import { FakeClock } from "../fakes/clock.ts";
import { openFakeClient } from "../fakes/kubernetes/fake-client.ts";
import { type FakeCluster, startFakeCluster } from "../fakes/kubernetes/fake-cluster.ts";
import type { Right } from "../fakes/kubernetes/rights.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

const NAMESPACE = "ingestion";
const NAME = installationName("runner-a");
const ROOT_CA = "kube-root-ca.crt";

/* Rights as runners had them before, and more. */
const NOTHING: readonly Right[] = [];
const READ: readonly Right[] = [{ verb: "get", resource: "configmaps", namespace: NAMESPACE }];
const KEEP: readonly Right[] = [{ verb: ["get", "create"], resource: "configmaps", namespace: NAMESPACE }];
const ALL: readonly Right[] = [...KEEP, { verb: "get", resource: "namespaces" }];

interface Place {
  readonly cluster: FakeCluster;
  readonly lines: string[];
  /** The id of a runner with these rights, on the same disk or on a new one. */
  id(rights: readonly Right[], disk?: "same" | "new"): Promise<string>;
  directory: string;
}

async function place(): Promise<Place> {
  const cluster = await startFakeCluster({ without: ["node"] });
  onTestFinished(() => cluster.close());
  makeRootCa(cluster);
  const token = `runner-${crypto.randomUUID()}`;
  const api = await openFakeClient({ ...cluster, kubeconfig: cluster.kubeconfig.replaceAll(cluster.token, token) });
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log = createLog({ clock: new FakeClock(), level: "warn", format: "json", write });
  const here: Place = {
    cluster,
    lines,
    directory: await temporaryDirectory(),
    async id(rights, disk = "same") {
      cluster.allow(rights, token);
      if (disk === "new") here.directory = await temporaryDirectory();
      const { directory: dataDirectory } = here;
      return clusterInstallationId({ api, namespace: NAMESPACE, runnerId: "runner-a", dataDirectory, log });
    },
  };
  return here;
}

/** As the cluster makes it, with another UID each time. */
function makeRootCa(cluster: FakeCluster): void {
  if (uidOf(cluster, CONFIG_MAPS, ROOT_CA) !== "") cluster.remove(CONFIG_MAPS, ROOT_CA);
  cluster.put({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: ROOT_CA, namespace: NAMESPACE },
    data: {},
  } as ConfigMap);
}

function uidOf(cluster: FakeCluster, resource: typeof NAMESPACES | typeof CONFIG_MAPS, name: string): string {
  return cluster.objects(resource).find(({ metadata }) => metadata.name === name)?.metadata.uid ?? "";
}

test.each([
  ["the namespace", ALL],
  ["the root certificate's ConfigMap", KEEP],
  ["the root certificate's ConfigMap, and keep nothing in the cluster", READ],
] as const)(
  "clusterInstallationId is what it was before for a runner that could read %s, and stays",
  async (_, rights) => {
    const here = await place();
    const { cluster } = here;
    const old = rights === ALL ? uidOf(cluster, NAMESPACES, NAMESPACE) : uidOf(cluster, CONFIG_MAPS, ROOT_CA);
    expect(await here.id(rights)).toBe(old);
    makeRootCa(cluster);
    for (const others of [ALL, KEEP, READ, NOTHING]) expect(await here.id(others)).toBe(old);
  },
);

test("clusterInstallationId is the random one of the data directory for a runner that could read nothing, and stays", async () => {
  const here = await place();
  const old = await installationId(here.directory);
  expect(await here.id(NOTHING)).toBe(old);
  for (const rights of [READ, KEEP, ALL]) expect(await here.id(rights)).toBe(old);
  expect(await here.id(ALL, "new")).toBe(old);
});

test("clusterInstallationId outlives the disk, the ConfigMap and a namespace made anew, as long as one of both is left", async () => {
  const here = await place();
  const { cluster } = here;
  const id = await here.id(KEEP);
  expect(await here.id(ALL, "new")).toBe(id);
  makeRootCa(cluster);
  cluster.remove(CONFIG_MAPS, NAME);
  expect(await here.id(ALL)).toBe(id);
  expect(await here.id(KEEP, "new")).toBe(id);
  expect(here.lines).toEqual([]);
});

test("clusterInstallationId is one for all processes that start in a new place at once", async () => {
  const here = await place();
  // Nothing but a random id is left to take.
  here.cluster.remove(CONFIG_MAPS, ROOT_CA);
  const ids = await Promise.all(Array.from({ length: 5 }, () => here.id(KEEP, "new")));
  expect(new Set(ids).size).toBe(1);
});

test("clusterInstallationId that differs from the one before is told, with what to do", async () => {
  const here = await place();
  const { cluster } = here;
  const was = await here.id(KEEP);
  const kept = cluster.objects<ConfigMap>(CONFIG_MAPS).find(({ metadata }) => metadata.name === NAME);
  cluster.put({ ...kept, data: { "installation-id": "another" } } as ConfigMap);
  expect(await here.id(KEEP)).toBe("another");
  expect(here.lines).toHaveLength(1);
  expect(here.lines[0]).toContain(was);
  expect(here.lines[0]).toContain("/rebind");
  expect(await here.id(NOTHING)).toBe("another");
  cluster.put({ ...kept, data: { "installation-id": "no id\n at all" } } as ConfigMap);
  expect(await here.id(KEEP)).toBe("another");
});
