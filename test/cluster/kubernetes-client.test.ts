import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { WatchEvent } from "../../src/kubernetes/api.ts";
import { type EndedCall, type KubernetesClient, openKubernetesApi } from "../../src/kubernetes/client.ts";
import type { ClusterAccess } from "../../src/kubernetes/cluster-access.ts";
import { loadKubeConfig } from "../../src/kubernetes/kube-config.ts";
import {
  CONFIG_MAPS,
  type ConfigMap,
  EVENTS,
  JOBS,
  type Job,
  type KubernetesObject,
  PODS,
} from "../../src/kubernetes/objects.ts";
import { watchObjects } from "../../src/kubernetes/reflector.ts";
import { environment, place } from "../../src/runtime/system.ts";
import { eventually } from "../fakes/eventually.ts";
import { kubectl } from "./cluster-tool.ts";
import { temporaryNamespace } from "./namespace.ts";

async function access(): Promise<ClusterAccess> {
  return loadKubeConfig({ env: environment(), home: place().home, clock: systemClock });
}

function open(config: ClusterAccess, onCall: (call: EndedCall) => void = () => undefined): KubernetesClient {
  const api = openKubernetesApi({
    config,
    clock: systemClock,
    log: silentLog,
    userAgent: "hybrid-runner/test",
    onCall,
  });
  onTestFinished(() => api.close());
  return api;
}

function map(name: string, labels: Readonly<Record<string, string>> = {}): ConfigMap {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels }, data: { a: "1", b: "2" } };
}

function job(name: string, script: string): Job {
  const container = { name: "main", image: "test.local/busybox:1", command: ["/bin/sh", "-c", script] };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name },
    spec: { backoffLimit: 0, template: { spec: { restartPolicy: "Never", containers: [container] } } },
  };
}

test("creates, reads, patches, replaces, lists in pages and deletes", async () => {
  const api = open(await access());
  const ns = await temporaryNamespace("client");
  expect((await api.version()).major).toBe(1);
  const dry = await api.create(CONFIG_MAPS, ns, map("dry"), undefined, { dryRun: true });
  expect(dry.metadata.name).toBe("dry");
  await expect(api.get(CONFIG_MAPS, ns, "dry")).rejects.toMatchObject({ code: "ApiNotFound", facts: { name: "dry" } });

  const made = await api.create(CONFIG_MAPS, ns, map("one", { x: "y" }));
  await expect(api.create(CONFIG_MAPS, ns, map("one"))).rejects.toMatchObject({ code: "ApiAlreadyExists" });
  const patched = await api.patch(CONFIG_MAPS, ns, "one", { data: { a: null, c: "3" } });
  expect(patched.data).toEqual({ b: "2", c: "3" });
  await expect(api.replace(CONFIG_MAPS, ns, { ...made, data: {} })).rejects.toMatchObject({ code: "ApiConflict" });
  expect((await api.replace(CONFIG_MAPS, ns, { ...patched, data: { z: "26" } })).data).toEqual({ z: "26" });
  const wrong = { ...map("two"), metadata: { name: "Not A Name" } };
  await expect(api.create(CONFIG_MAPS, ns, wrong)).rejects.toMatchObject({
    code: "ApiInvalid",
    facts: { status: 422 },
  });

  await Promise.all(["p1", "p2", "p3"].map((name) => api.create(CONFIG_MAPS, ns, map(name, { x: "y" }))));
  const names: string[] = [];
  let next: string | undefined;
  do {
    const page = await api.list(CONFIG_MAPS, ns, { labelSelector: "x=y", limit: 3, ...(next && { continue: next }) });
    expect(page.items.length).toBeLessThanOrEqual(3);
    for (const item of page.items) {
      expect(item).toMatchObject({ apiVersion: "v1", kind: "ConfigMap" });
      names.push(item.metadata.name);
    }
    next = page.metadata.continue;
  } while (next !== undefined && next !== "");
  expect(names.sort()).toEqual(["one", "p1", "p2", "p3"]);

  expect(await api.remove(CONFIG_MAPS, ns, "one", { propagation: "Background", uid: "another" })).toBe(false);
  expect(await api.remove(CONFIG_MAPS, ns, "one", { propagation: "Background" })).toBe(true);
  expect(await api.remove(CONFIG_MAPS, ns, "one", { propagation: "Background" })).toBe(false);
});

test("watches with bookmarks until the server ends it, and meets 410 for a version that is too old", async () => {
  const api = open(await access());
  const ns = await temporaryNamespace("client-watch");
  const { metadata } = await api.list(CONFIG_MAPS, ns);
  const seen: string[] = [];
  const options = { resourceVersion: metadata.resourceVersion ?? "0", timeoutSeconds: 4 };
  const watch = (async () => {
    for await (const event of api.watch(CONFIG_MAPS, ns, options, AbortSignal.timeout(20_000))) seen.push(told(event));
  })();
  await api.create(CONFIG_MAPS, ns, map("a"));
  await api.remove(CONFIG_MAPS, ns, "a", { propagation: "Background" });
  await watch;
  expect(seen.filter((line) => !line.startsWith("BOOKMARK") && !line.includes("kube-root-ca"))).toEqual([
    "ADDED a",
    "DELETED a",
  ]);
  expect(seen.at(-1)).toBe("BOOKMARK");
  const old = api.watch(EVENTS, ns, { resourceVersion: "1", timeoutSeconds: 4 }, AbortSignal.timeout(20_000));
  const outcome = (async () => {
    for await (const _ of old);
  })();
  // Only a store that has been compacted refuses; others replay.
  await outcome.catch((error: unknown) => expect(error).toMatchObject({ code: "ApiExpired" }));
});

function told({ type, object }: WatchEvent<KubernetesObject>): string {
  return type === "BOOKMARK" ? type : `${type} ${object.metadata.name}`;
}

test("reads a pod's log while it is written, to its end", async () => {
  const api = open(await access());
  const ns = await temporaryNamespace("client-log");
  await api.create(JOBS, ns, job("talk", "for i in 1 2 3 4 5; do echo line $i; sleep 0.3; done"));
  const pods = watchObjects(api, PODS, ns, { clock: systemClock, log: silentLog });
  onTestFinished(() => pods.close());
  const pod = await eventually(() => {
    const [first] = [...pods.all()].filter(
      ({ status }) => status?.containerStatuses?.[0]?.state?.waiting === undefined,
    );
    if (first?.status?.containerStatuses === undefined) throw new Error("not started");
    return first.metadata.name;
  }, 60_000);
  let text = "";
  const options = { container: "main", follow: true, timestamps: true };
  for await (const bytes of api.podLog(ns, pod, options, AbortSignal.timeout(60_000)))
    text += new TextDecoder().decode(bytes);
  expect(
    text
      .trim()
      .split("\n")
      .map((line) => line.replace(/^\S+Z /, "")),
  ).toEqual([1, 2, 3, 4, 5].map((i) => `line ${i}`));
  const none = api.podLog(ns, "no-such-pod", options, AbortSignal.timeout(60_000))[Symbol.asyncIterator]();
  await expect(none.next()).rejects.toMatchObject({ code: "ApiNotFound", facts: { resource: "pods/log" } });
});

test("a service account's token is used, its missing rights are told, and a revoked one is asked for anew", async () => {
  const admin = await access();
  const ns = await temporaryNamespace("client-rights");
  await kubectl("-n", ns, "create", "serviceaccount", "reader");
  await kubectl("-n", ns, "create", "role", "reader", "--verb=get,list,watch", "--resource=pods");
  await kubectl("-n", ns, "create", "rolebinding", "reader", "--role=reader", `--serviceaccount=${ns}:reader`);
  const identity = await admin.credentials.current();
  const { certificate: _certificate, key: _key, ...tls } = identity.tls;
  const good = {
    headers: { authorization: `Bearer ${(await kubectl("-n", ns, "create", "token", "reader")).trim()}` },
    tls,
  };
  const bad = { headers: { authorization: "Bearer not.a.token" }, tls };
  let now = bad;
  const credentials = {
    current: async () => now,
    refused: () => {
      now = good;
    },
  };
  const api = open({ ...admin, credentials });
  expect((await api.list(PODS, ns)).items).toEqual([]);
  expect(await api.allowed({ verb: "list", group: "", resource: "pods", namespace: ns })).toBe(true);
  expect(await api.allowed({ verb: "create", group: "batch", resource: "jobs", namespace: ns })).toBe(false);
  const refused = api.create(JOBS, ns, job("j", "true"));
  await expect(refused).rejects.toMatchObject({ code: "ApiForbidden", facts: { status: 403 } });
  await expect(refused).rejects.toThrow(`system:serviceaccount:${ns}:reader`);
});

test("a reflector sees what others do, over the ends of its watches", async () => {
  const api = open(await access());
  const ns = await temporaryNamespace("client-reflector");
  const told: string[] = [];
  const slim = ({ data: _data, ...rest }: ConfigMap): ConfigMap => rest;
  const options = { clock: systemClock, log: silentLog, selection: { labelSelector: "x=y" }, slim, watchSeconds: 3 };
  const watched = watchObjects(api, CONFIG_MAPS, ns, options);
  onTestFinished(() => watched.close());
  watched.onChange(({ type, object }) => told.push(`${type} ${object.metadata.name}`));
  await watched.ready(AbortSignal.timeout(10_000));
  await api.create(CONFIG_MAPS, ns, map("a", { x: "y" }));
  await api.create(CONFIG_MAPS, ns, map("b"));
  await eventually(() => expect(told).toEqual(["set a"]));
  expect(watched.get("a")).toMatchObject({ kind: "ConfigMap", metadata: { labels: { x: "y" } } });
  expect(JSON.stringify(watched.get("a"))).not.toMatch(/managedFields|"data"/);
  await api.patch(CONFIG_MAPS, ns, "b", { metadata: { labels: { x: "y" } } });
  await api.patch(CONFIG_MAPS, ns, "a", { metadata: { labels: { x: null } } });
  await eventually(() => expect(told).toEqual(["set a", "set b", "gone a"]));
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  await api.remove(CONFIG_MAPS, ns, "b", { propagation: "Background" });
  await eventually(() => expect(told.at(-1)).toBe("gone b"));
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  await api.create(CONFIG_MAPS, ns, map("c", { x: "y" }));
  await eventually(() => expect(told).toEqual(["set a", "set b", "gone a", "gone b", "set c"]), 20_000);
  expect(watched.silentMs()).toBeLessThan(8_000);
});

test("200 creates at once are all done, over no more connections than the limit", async () => {
  const calls: EndedCall[] = [];
  const api = open(await access(), (call) => calls.push(call));
  const ns = await temporaryNamespace("client-load");
  await Promise.all(Array.from({ length: 200 }, (_, index) => api.create(CONFIG_MAPS, ns, map(`m-${index}`))));
  expect(calls.filter(({ outcome }) => outcome === "ok").length).toBe(200);
  expect(api.connections).toBeLessThanOrEqual(32);
  expect((await api.list(CONFIG_MAPS, ns, { limit: 500 })).items.length).toBeGreaterThanOrEqual(200);
});
