import { describe, expect, test } from "vitest";
import type { WatchEvent } from "../../../src/kubernetes/api.ts";
import { CONFIG_MAPS, type ConfigMap, JOBS, PODS, SECRETS } from "../../../src/kubernetes/objects.ts";
import { createJob, endedJob, refusal, runningPod, shellJob } from "./contract-tools.ts";
import { openFake } from "./fake-client.ts";

/* What tests can do to the fake beyond what a cluster does by itself. What a cluster does is in truth.test.ts. */

const configMap = (name: string): ConfigMap => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });

describe("faults of the fake API server", () => {
  test("a status is answered as often as is said, and nothing is done", async () => {
    const { api, cluster } = await openFake();
    cluster.fault({ match: { verb: "create", resource: "configmaps" }, status: 422, message: "no", times: 1 });
    expect((await refusal(api.create(CONFIG_MAPS, "ingestion", configMap("one")))).code).toBe("ApiInvalid");
    expect(cluster.objects(CONFIG_MAPS)).toEqual([]);
    await api.create(CONFIG_MAPS, "ingestion", configMap("one"));
    expect(cluster.objects(CONFIG_MAPS)).toHaveLength(1);
  });

  test("429 with Retry-After and 500 are tried again by the client until they are over", async () => {
    const { api, cluster } = await openFake();
    cluster.fault({ match: { resource: "configmaps" }, status: 429, retryAfter: 0, times: 1 });
    cluster.fault({ match: { resource: "configmaps" }, status: 500, times: 1 });
    expect((await api.list(CONFIG_MAPS, "ingestion")).items).toEqual([]);
    expect(cluster.requests.all.map(({ status }) => status)).toEqual([429, 500, 200]);
  });

  test("a connection that is cut after the deed leaves the object and loses the answer", async () => {
    const { api, cluster } = await openFake();
    cluster.fault({ match: { verb: "create" }, cut: "after", times: 1 });
    const refused = await refusal(api.create(CONFIG_MAPS, "ingestion", configMap("kept")));
    expect(["ApiAlreadyExists", "ApiUnavailable"]).toContain(refused.code);
    expect(cluster.objects(CONFIG_MAPS).map(({ metadata }) => metadata.name)).toEqual(["kept"]);
  });

  test("a request that hangs is not answered until the fault is taken back", async () => {
    const { api, cluster } = await openFake();
    const takeBack = cluster.fault({ match: { verb: "get" }, hang: true });
    await expect(api.get(JOBS, "ingestion", "x", AbortSignal.timeout(200))).rejects.toThrow();
    takeBack();
    expect((await refusal(api.get(JOBS, "ingestion", "x"))).code).toBe("ApiNotFound");
  });

  test("a silent watch tells nothing, neither changes nor bookmarks nor its end", async () => {
    const { api, cluster } = await openFake({ bookmarkMs: 50 });
    cluster.fault({ match: { verb: "watch" }, silentWatch: true, times: 1 });
    const seen: string[] = [];
    const options = { resourceVersion: "0", timeoutSeconds: 1 };
    const watching = async (limitMs: number): Promise<void> => {
      for await (const { type } of api.watch(CONFIG_MAPS, "ingestion", options, AbortSignal.timeout(limitMs)))
        seen.push(type);
    };
    await api.create(CONFIG_MAPS, "ingestion", configMap("one"));
    await watching(1500).catch(() => undefined);
    expect(seen).toEqual([]);
    await watching(5000);
    expect(seen).toContain("ADDED");
  });

  test("a watch from before a compaction has expired, one from after it goes on", async () => {
    const { api, cluster } = await openFake();
    const { resourceVersion = "" } = (await api.list(CONFIG_MAPS, "ingestion")).metadata;
    cluster.compact();
    const watch = async (version: string): Promise<WatchEvent<ConfigMap> | undefined> => {
      const options = { resourceVersion: version, timeoutSeconds: 5 };
      for await (const event of api.watch(CONFIG_MAPS, "ingestion", options, AbortSignal.timeout(5000))) return event;
      return undefined;
    };
    expect((await refusal(watch(resourceVersion))).code).toBe("ApiExpired");
    const after = (await api.list(CONFIG_MAPS, "ingestion")).metadata.resourceVersion ?? "";
    await api.create(CONFIG_MAPS, "ingestion", configMap("later"));
    expect(await watch(after)).toMatchObject({ type: "ADDED", object: { metadata: { name: "later" } } });
  });

  test("a page that follows a compaction has expired", async () => {
    const { api, cluster } = await openFake();
    for (const name of ["a", "b"]) cluster.put(configMap(name));
    const token = (await api.list(CONFIG_MAPS, "ingestion", { limit: 1 })).metadata.continue ?? "";
    cluster.compact();
    expect((await refusal(api.list(CONFIG_MAPS, "ingestion", { limit: 1, continue: token }))).code).toBe("ApiExpired");
  });

  test("the server goes and comes back on its port with everything it knew, and the node's processes go on", async () => {
    const world = await openFake();
    const { api, cluster } = world;
    await createJob(world, shellJob(world, "lasting", "sleep 1; echo done"));
    await runningPod(world, "lasting");
    await cluster.stopServing();
    await expect(fetch(`${cluster.url}/version`)).rejects.toThrow();
    await cluster.serveAgain();
    await endedJob(world, "lasting");
    expect((await api.list(PODS, "ingestion")).items[0]?.status?.phase).toBe("Succeeded");
  });
});

describe("rights at the fake API server", () => {
  test("a right that is taken away is a 403 that names it, and a review says so", async () => {
    const { api, cluster } = await openFake();
    cluster.allow([
      { verb: ["create", "patch", "delete"], resource: "secrets" },
      { verb: "get", resource: "pods/log" },
    ]);
    const refused = await refusal(api.get(SECRETS, "ingestion", "x"));
    expect(refused.code).toBe("ApiForbidden");
    expect(refused.message).toContain('cannot get resource "secrets" in API group "" in the namespace "ingestion"');
    const may = (verb: string, resource: string, subresource?: string): Promise<boolean> =>
      api.allowed({
        verb,
        group: "",
        resource,
        namespace: "ingestion",
        ...(subresource === undefined ? {} : { subresource }),
      });
    expect(await may("create", "secrets")).toBe(true);
    expect(await may("list", "secrets")).toBe(false);
    expect(await may("get", "pods", "log")).toBe(true);
    expect(await may("get", "pods")).toBe(false);
    await api.create(SECRETS, "ingestion", { apiVersion: "v1", kind: "Secret", metadata: { name: "x" } });
    cluster.allow("everything");
    expect((await api.get(SECRETS, "ingestion", "x")).metadata.name).toBe("x");
  });

  test("an unknown token is refused, and another one has rights of its own", async () => {
    const { cluster } = await openFake();
    cluster.allow([{ verb: "list", resource: "pods", namespace: "ingestion" }], "pod-token");
    const list = async (token: string, namespace = "ingestion"): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`${cluster.url}/api/v1/namespaces/${namespace}/pods`, { headers })).status;
    };
    expect(await list("unknown")).toBe(401);
    expect(await list("pod-token")).toBe(200);
    expect(await list("pod-token", "default")).toBe(403);
  });
});

describe("what is asked of the fake", () => {
  test("writes are counted by verb and resource, dry runs and reviews apart", async () => {
    const { api, cluster } = await openFake({ without: ["jobs"] });
    await api.create(CONFIG_MAPS, "ingestion", configMap("one"));
    await api.create(CONFIG_MAPS, "ingestion", configMap("two"), undefined, { dryRun: true });
    await api.allowed({ verb: "get", group: "", resource: "pods", namespace: "ingestion" });
    await api.patch(CONFIG_MAPS, "ingestion", "one", { data: { a: "1" } });
    expect(cluster.requests.writes().map(({ resource, verb }) => `${verb} ${resource}`)).toEqual([
      "create configmaps",
      "patch configmaps",
    ]);
    expect(cluster.requests.count({ verb: "create", resource: "configmaps" })).toBe(2);
    cluster.requests.clear();
    expect(cluster.requests.all).toEqual([]);
  });
});
