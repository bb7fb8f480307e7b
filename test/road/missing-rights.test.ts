import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type RightId, rightIds } from "../../src/executor/pods/rights/right-table.ts";
import { rulesFor } from "../../src/executor/pods/rights/role.ts";
import { JOBS } from "../../src/kubernetes/objects.ts";
import { eventually } from "../fakes/eventually.ts";
import type { FakeCluster } from "../fakes/kubernetes/fake-cluster.ts";
import type { Right } from "../fakes/kubernetes/rights.ts";
import { readScrape } from "../metrics/scrape.ts";
import { startRoadCluster } from "./road-cluster.ts";
import { freePort, Site } from "./site.ts";

const NAMESPACE = "ingestion";
const IMAGES = ["test.local/ingestion:1", "test.local/hybrid-runner:1"];

/** The rights of the printed Role, but for these. */
function allow(cluster: FakeCluster, ...absent: readonly RightId[]): void {
  const rules = rulesFor(rightIds().filter((id) => !absent.includes(id)));
  const rights = rules.flatMap(({ apiGroups, resources, verbs }): readonly Right[] =>
    apiGroups.flatMap((group) => resources.map((resource) => ({ verb: verbs, group, resource, namespace: NAMESPACE }))),
  );
  cluster.allow([...rights, { verb: "create", resource: "selfsubjectaccessreviews" }]);
}

test.each(["jobs:list", "pods:list"] as const)(
  "a runner without the right to %s connects and says what is missing, loses no run, and works as soon as it has it",
  { timeout: 300_000 },
  async (missing) => {
    const cluster = await startRoadCluster({ namespaces: [NAMESPACE], images: IMAGES });
    const site = await Site.open();
    const kubeconfig = join(site.directory, "kubeconfig");
    await writeFile(kubeconfig, cluster.kubeconfig, { mode: 0o600 });
    const [probes, go] = [await freePort(), join(site.directory, "go")];
    const environment = {
      EXECUTOR_TYPE: "simpleK8s",
      KUBECONFIG: kubeconfig,
      INGESTION_NAMESPACE: NAMESPACE,
      INGESTION_IMAGE: IMAGES[0] ?? "",
      INGESTION_COMMAND: JSON.stringify(["sh", "-c", `while [ ! -e ${go} ]; do sleep 0.2; done`]),
      INGESTION_EXTRA_ENVS: "",
      WRAPPER_IMAGE: IMAGES[1] ?? "",
      SECRETS_MANAGER: "kubernetes",
      SECRETS_DIRECTORY: "",
      METRICS_SERVER_PORT: String(probes),
    };
    allow(cluster);
    const first = await site.startRunner({ environment });
    await site.connected();
    const before = await site.start(await site.deploy("metadata"));
    await site.until(before, ["running"]);
    await first.end();

    allow(cluster, missing);
    await site.startRunner({ environment });
    await site.connected();
    const [resource = "", verb = ""] = missing.split(":");
    await eventually(async () => {
      const answer = await fetch(`http://127.0.0.1:${probes}/readyz`);
      expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining(`${verb} ${resource}`)]);
    }, 30_000);
    const ordered = await site.start(await site.deploy("metadata"));
    // The gateway has asked what became of the first run and offered the second: nothing is known, which is not "there is none".
    await eventually(async () => {
      const { value } = readScrape(await (await fetch(`http://127.0.0.1:${probes}/metrics`)).text());
      const refused = { outcome: "refused", reason: "storage" };
      expect(value("hybrid_runner_verdicts_total", refused)).toBeGreaterThanOrEqual(2);
    }, 30_000);
    expect(await site.run(before)).toMatchObject({ state: "running" });
    expect(await site.run(ordered)).toMatchObject({ state: "queued" });
    expect(cluster.objects(JOBS, NAMESPACE)).toHaveLength(1);

    allow(cluster);
    await writeFile(go, "");
    for (const run of [before, ordered]) expect(await site.ended(run, 90_000)).toMatchObject({ state: "success" });
    expect(cluster.objects(JOBS, NAMESPACE)).toHaveLength(2);
    await eventually(async () => expect((await fetch(`http://127.0.0.1:${probes}/readyz`)).status).toBe(200), 30_000);
  },
);
