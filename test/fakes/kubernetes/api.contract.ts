import { describe, expect, test } from "vitest";
import type { WatchEvent } from "../../../src/kubernetes/api.ts";
import { CONFIG_MAPS, type ConfigMap, CRON_JOBS, JOBS, PODS, SECRETS } from "../../../src/kubernetes/objects.ts";
import { eventually } from "../eventually.ts";
import { type ClusterUnderTest, createJob, LIMIT_MS, refusal, shellJob } from "./contract-tools.ts";

/** What the API server does, true of a real cluster and of the fake one. */
export function describeApiServer(name: string, open: () => Promise<ClusterUnderTest>): void {
  const check = (title: string, body: (cluster: ClusterUnderTest) => Promise<void>): void => {
    test(title, { timeout: LIMIT_MS * 2 }, async () => body(await open()));
  };
  const configMap = (
    { namespace }: ClusterUnderTest,
    name: string,
    labels: Readonly<Record<string, string>> = {},
  ): ConfigMap => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace, labels },
    data: { a: "1" },
  });

  describe(`${name}: the API server`, () => {
    check("create fills in, and refuses the same name and a namespace that isn't there", async (cluster) => {
      const { api, namespace } = cluster;
      const job = await createJob(cluster, shellJob(cluster, "filled", "true", { spec: { suspend: true } }));
      const labels = {
        "batch.kubernetes.io/job-name": "filled",
        "batch.kubernetes.io/controller-uid": job.metadata.uid,
      };
      expect(job.spec).toMatchObject({ completions: 1, parallelism: 1, podReplacementPolicy: "Failed" });
      expect(job.spec.template.metadata?.labels).toMatchObject(labels);
      expect(job.metadata).toMatchObject({ generation: 1, namespace });
      expect(job.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      const again = await refusal(api.create(JOBS, namespace, shellJob(cluster, "filled", "true")));
      expect(again.code).toBe("ApiAlreadyExists");
      expect(again.message).toContain('jobs.batch "filled" already exists');
      expect((await refusal(api.get(JOBS, namespace, "absent"))).message).toContain('jobs.batch "absent" not found');
      const nowhere = await refusal(
        api.create(CONFIG_MAPS, "no-such-namespace", { ...configMap(cluster, "x"), metadata: { name: "x" } }),
      );
      expect(nowhere).toMatchObject({
        code: "ApiNotFound",
        message: expect.stringContaining('namespaces "no-such-namespace" not found'),
      });
    });

    check("stringData becomes data", async (cluster) => {
      const { api, namespace } = cluster;
      const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "text" }, stringData: { config: "hü" } };
      const made = await api.create(SECRETS, namespace, secret);
      expect(made).toMatchObject({ data: { config: "aMO8" }, type: "Opaque" });
      expect(made.stringData).toBeUndefined();
    });

    check("a dry run tells what a create would do, and keeps nothing", async ({ api, namespace }) => {
      const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "tried" }, stringData: { config: "x" } };
      expect((await api.create(SECRETS, namespace, secret, undefined, { dryRun: true })).data).toEqual({
        config: "eA==",
      });
      expect((await refusal(api.get(SECRETS, namespace, "tried"))).code).toBe("ApiNotFound");
      await api.create(SECRETS, namespace, secret);
      const again = await refusal(api.create(SECRETS, namespace, secret, undefined, { dryRun: true }));
      expect(again.code).toBe("ApiAlreadyExists");
    });

    check("replace goes by the resource version, and a patch removes what is null", async (cluster) => {
      const { api, namespace } = cluster;
      const first = await api.create(
        CONFIG_MAPS,
        namespace,
        configMap(cluster, "versions", { kept: "yes", gone: "no" }),
      );
      const second = await api.replace(CONFIG_MAPS, namespace, { ...first, data: { a: "2" } });
      expect(second.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
      const late = await refusal(api.replace(CONFIG_MAPS, namespace, { ...first, data: { a: "3" } }));
      expect(late).toMatchObject({
        code: "ApiConflict",
        message: expect.stringContaining("the object has been modified"),
      });
      const third = await api.patch(CONFIG_MAPS, namespace, "versions", {
        metadata: { labels: { gone: null, new: "1" } },
      });
      expect(third.metadata.labels).toEqual({ kept: "yes", new: "1" });
      expect(third.data).toEqual({ a: "2" });
      const same = await api.patch(CONFIG_MAPS, namespace, "versions", { metadata: { labels: { new: "1" } } });
      expect(same.metadata.resourceVersion).toBe(third.metadata.resourceVersion);
    });

    check("what is fixed in a Job stays, and what isn't valid is refused with the field", async (cluster) => {
      const { api, namespace } = cluster;
      await createJob(cluster, shellJob(cluster, "fixed", "sleep 100"));
      await eventually(
        async () => expect((await api.get(JOBS, namespace, "fixed")).status?.startTime).toBeDefined(),
        LIMIT_MS,
      );
      const template = await refusal(
        api.patch(JOBS, namespace, "fixed", { spec: { template: { metadata: { labels: { a: "b" } } } } }),
      );
      expect(template).toMatchObject({ code: "ApiInvalid", message: expect.stringContaining("spec.template") });
      const count = await refusal(api.patch(JOBS, namespace, "fixed", { spec: { completions: 4 } }));
      expect(count.message).toContain("spec.completions: Invalid value: 4: field is immutable");
      const free = { spec: { parallelism: 0, activeDeadlineSeconds: 100, ttlSecondsAfterFinished: 100 } };
      expect((await api.patch(JOBS, namespace, "fixed", free)).spec).toMatchObject(free.spec);
      const noImage = shellJob(cluster, "no-image", "true", { main: { image: "" } });
      expect((await refusal(api.create(JOBS, namespace, noImage))).message).toContain(
        "containers[0].image: Required value",
      );
      const name = await refusal(api.create(CONFIG_MAPS, namespace, configMap(cluster, "Not_a_name")));
      expect(name.message).toContain("metadata.name");
      const always = shellJob(cluster, "always", "true", { pod: { restartPolicy: "Always" } });
      expect((await refusal(api.create(JOBS, namespace, always))).message).toContain(
        "spec.template.spec.restartPolicy: Required value: valid values",
      );
    });

    check("a CronJob with a bad schedule or time zone is refused", async (cluster) => {
      const { api, namespace } = cluster;
      const { spec } = shellJob(cluster, "x", "true");
      const cronJob = (changes: object) => ({
        apiVersion: "batch/v1",
        kind: "CronJob",
        metadata: { name: "bad" },
        spec: { schedule: "0 3 * * *", jobTemplate: { spec }, ...changes },
      });
      expect((await refusal(api.create(CRON_JOBS, namespace, cronJob({ schedule: "x" })))).message).toContain(
        "spec.schedule",
      );
      expect((await refusal(api.create(CRON_JOBS, namespace, cronJob({ timeZone: "No/Where" })))).message).toContain(
        "spec.timeZone",
      );
      const long = { ...cronJob({}), metadata: { name: "n".repeat(53) } };
      expect((await refusal(api.create(CRON_JOBS, namespace, long))).message).toContain(
        "must be no more than 52 characters",
      );
    });

    check("lists come in pages and by selectors", async (cluster) => {
      const { api, namespace } = cluster;
      for (const [name, tier] of [
        ["a", "one"],
        ["b", "two"],
        ["c", "three"],
      ] as const) {
        await api.create(CONFIG_MAPS, namespace, configMap(cluster, name, { tier, set: "pages" }));
      }
      const names = async (labelSelector: string): Promise<readonly string[]> =>
        (await api.list(CONFIG_MAPS, namespace, { labelSelector })).items.map(({ metadata }) => metadata.name);
      expect(await names("set=pages")).toEqual(["a", "b", "c"]);
      expect(await names("set=pages,tier!=one")).toEqual(["b", "c"]);
      expect(await names("tier in (one,three)")).toEqual(["a", "c"]);
      expect(await names("tier notin (one,three),set")).toEqual(["b"]);
      expect(await names("!tier,set")).toEqual([]);
      const byName = await api.list(CONFIG_MAPS, namespace, { fieldSelector: "metadata.name=b" });
      expect(byName.items.map(({ metadata }) => metadata.name)).toEqual(["b"]);
      const first = await api.list(CONFIG_MAPS, namespace, { labelSelector: "set=pages", limit: 2 });
      expect(first.items).toHaveLength(2);
      const token = first.metadata.continue ?? "";
      const rest = await api.list(CONFIG_MAPS, namespace, { labelSelector: "set=pages", limit: 2, continue: token });
      expect(rest.items.map(({ metadata }) => metadata.name)).toEqual(["c"]);
      expect(rest.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
      expect(rest.metadata.continue ?? "").toBe("");
      expect((await refusal(api.list(PODS, namespace, { fieldSelector: "spec.foo=c" }))).message).toContain(
        "field label not supported",
      );
    });

    check("a watch tells what comes, changes, leaves the selection and goes", async (cluster) => {
      const { api, namespace } = cluster;
      const selection = { labelSelector: "set=watched" };
      const { resourceVersion = "" } = (await api.list(CONFIG_MAPS, namespace, selection)).metadata;
      const abort = new AbortController();
      const seen: string[] = [];
      const watching = (async () => {
        const options = { ...selection, resourceVersion, timeoutSeconds: 30 };
        for await (const event of api.watch(CONFIG_MAPS, namespace, options, abort.signal)) {
          if (event.type !== "BOOKMARK") seen.push(told(event));
        }
      })().catch(() => undefined);
      await api.create(CONFIG_MAPS, namespace, configMap(cluster, "one", { set: "watched" }));
      await api.patch(CONFIG_MAPS, namespace, "one", { data: { a: "2" } });
      await api.create(CONFIG_MAPS, namespace, configMap(cluster, "two", { set: "watched" }));
      await api.create(CONFIG_MAPS, namespace, configMap(cluster, "other", { set: "not" }));
      await api.patch(CONFIG_MAPS, namespace, "two", { metadata: { labels: { set: null } } });
      await api.remove(CONFIG_MAPS, namespace, "one", { propagation: "Background" });
      await eventually(() => {
        expect(seen).toEqual(["ADDED one", "MODIFIED one", "ADDED two", "DELETED two", "DELETED one"]);
      }, LIMIT_MS);
      abort.abort();
      await watching;
    });

    check("a watch ends after its timeout, with a bookmark", async (cluster) => {
      const { api, namespace } = cluster;
      const { resourceVersion = "" } = (await api.list(CONFIG_MAPS, namespace)).metadata;
      const types: string[] = [];
      const options = { resourceVersion, timeoutSeconds: 5 };
      // A server promises no bookmark of any single watch: one that is busy leaves it out now and then.
      for (let watches = 0; watches < 5 && !types.includes("BOOKMARK"); watches++)
        for await (const { type } of api.watch(CONFIG_MAPS, namespace, options, AbortSignal.timeout(LIMIT_MS)))
          types.push(type);
      expect(types).toContain("BOOKMARK");
    });

    check("a delete for another UID does nothing, and a second one finds nothing", async (cluster) => {
      const { api, namespace } = cluster;
      const { metadata } = await api.create(CONFIG_MAPS, namespace, configMap(cluster, "mine"));
      expect(
        await api.remove(CONFIG_MAPS, namespace, "mine", { propagation: "Background", uid: crypto.randomUUID() }),
      ).toBe(false);
      expect((await api.get(CONFIG_MAPS, namespace, "mine")).metadata.uid).toBe(metadata.uid);
      expect(
        await api.remove(CONFIG_MAPS, namespace, "mine", { propagation: "Background", uid: metadata.uid ?? "" }),
      ).toBe(true);
      expect(await api.remove(CONFIG_MAPS, namespace, "mine", { propagation: "Background" })).toBe(false);
    });

    check("rights and version can be asked for", async ({ api, namespace }) => {
      expect(await api.allowed({ verb: "create", group: "batch", resource: "jobs", namespace })).toBe(true);
      expect(await api.version()).toMatchObject({ major: 1, minor: 34 });
    });
  });
}

function told(event: WatchEvent<ConfigMap>): string {
  return `${event.type} ${event.object.metadata.name}`;
}
