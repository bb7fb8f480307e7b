import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CRON_JOBS, JOBS } from "../../../src/kubernetes/objects.ts";
import { eventually } from "../eventually.ts";
import { temporaryDirectory } from "../temporary-directory.ts";
import {
  createJob,
  endedJob,
  logOf,
  podsOf,
  podWhere,
  reasonsAbout,
  refusal,
  runningPod,
  shellJob,
} from "./contract-tools.ts";
import { openFake } from "./fake-client.ts";

/* What tests can do to the fake beyond what a cluster does by itself. What a cluster does is in truth.test.ts. */

describe("harm that comes to pods of the fake", () => {
  test("OOMKilled and KILL end the container with 137", async () => {
    const world = await openFake();
    for (const [name, reason, told] of [
      ["oom", "OOMKilled", "OOMKilled"],
      ["kill", "KILL", "Error"],
    ] as const) {
      await createJob(world, shellJob(world, name, "sleep 100"));
      const { metadata } = await runningPod(world, name);
      expect(await world.cluster.node.pidsOf(metadata.name)).not.toEqual([]);
      await world.cluster.killPod(name, reason);
      const ended = await podWhere(world, name, ({ status }) => expect(status?.phase).toBe("Failed"));
      expect(ended.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 137, reason: told });
      expect(await world.cluster.node.pidsOf(metadata.name)).toEqual([]);
    }
  });

  test("an eviction for want of memory fails the pod, a drain or preemption deletes it with its reason", async () => {
    const world = await openFake();
    for (const kind of ["nodePressure", "api", "preemption"] as const) {
      const name = kind.toLowerCase();
      await createJob(world, shellJob(world, name, "trap 'exit 9' TERM; while :; do sleep 0.1; done"));
      const { metadata } = await runningPod(world, name);
      world.cluster.evictPod(name, kind);
      await endedJob(world, name);
      if (kind !== "nodePressure") {
        await eventually(async () => expect(await podsOf(world, name)).toEqual([]));
        continue;
      }
      const [pod] = await podsOf(world, name);
      expect(pod?.status).toMatchObject({ phase: "Failed", reason: "Evicted" });
      expect(pod?.status?.conditions).toContainEqual(
        expect.objectContaining({ type: "DisruptionTarget", status: "True" }),
      );
      expect(await reasonsAbout(world, metadata.name)).toContain("Warning Evicted");
    }
  });

  test("a node that crashed tells nothing; when it is gone its pods fail", async () => {
    const world = await openFake();
    const { cluster } = world;
    await createJob(world, shellJob(world, "lost", "sleep 100"));
    const { metadata } = await runningPod(world, "lost");
    await cluster.node.crash();
    cluster.evictPod("lost", "nodeUnreachable");
    const [pod] = await podsOf(world, "lost");
    expect(pod?.status?.phase).toBe("Running");
    expect(pod?.metadata.deletionTimestamp).toBeDefined();
    expect((await refusal(logOf(world, metadata.name))).code).toBe("ApiUnavailable");
    cluster.evictPod("lost", "nodeGone");
    const [, types] = await endedJob(world, "lost");
    expect(types).toContain("Failed");
    await eventually(async () => expect(await podsOf(world, "lost")).toEqual([]));
  });

  test("a node that is stopped starts and tells nothing until it works again", async () => {
    const world = await openFake();
    await createJob(world, shellJob(world, "before", "sleep 0.2"));
    await runningPod(world, "before");
    world.cluster.node.pause();
    await createJob(world, shellJob(world, "after", "true"));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await podsOf(world, "before"))[0]?.status?.phase).toBe("Running");
    expect((await podsOf(world, "after"))[0]?.status?.phase).toBe("Pending");
    world.cluster.node.resume();
    await endedJob(world, "before");
    await endedJob(world, "after");
  });

  test("a scheduler that finds no place says why, and finds it later", async () => {
    const world = await openFake();
    world.cluster.node.refuse("0/1 nodes are available: 1 Insufficient cpu.");
    await createJob(world, shellJob(world, "big", "true"));
    await podWhere(world, "big", ({ status }) => {
      expect(status?.conditions?.[0]).toMatchObject({
        reason: "Unschedulable",
        message: expect.stringContaining("Insufficient cpu"),
      });
    });
    world.cluster.node.refuse(undefined);
    await endedJob(world, "big");
  });

  test("an image that appears is pulled", async () => {
    const world = await openFake();
    await createJob(world, shellJob(world, "late", "true", { main: { image: "test.local/late:1" } }));
    await podWhere(world, "late", ({ status }) => {
      expect(status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe("ImagePullBackOff");
    });
    world.cluster.images.add("test.local/late:1");
    await endedJob(world, "late");
  });

  test("what was written before a rotation can't be read any more, and a reader that follows misses nothing of what comes", async () => {
    const world = await openFake();
    const directory = await temporaryDirectory();
    await createJob(
      world,
      shellJob(world, "turning", `echo old; until [ -d ${directory}/go ]; do sleep 0.05; done; echo new`),
    );
    const { metadata } = await runningPod(world, "turning");
    await eventually(async () => expect(await logOf(world, metadata.name)).toBe("old\n"));
    const followed = logOf(world, metadata.name, { follow: true });
    await new Promise((resolve) => setTimeout(resolve, 50));
    world.cluster.node.rotateLog(metadata.name);
    await mkdir(join(directory, "go"));
    expect(await followed).toBe("old\nnew\n");
    expect(await logOf(world, metadata.name)).toBe("new\n");
  });

  test("a CronJob that forbids it doesn't fire beside its own run, nor while it is suspended", async () => {
    const world = await openFake();
    const { api, cluster } = world;
    const { spec } = shellJob(world, "x", "sleep 100");
    const metadata = { name: "nightly", namespace: "ingestion" };
    const cron = { schedule: "0 3 * * *", concurrencyPolicy: "Forbid" as const, jobTemplate: { spec } };
    await api.create(CRON_JOBS, "ingestion", { apiVersion: "batch/v1", kind: "CronJob", metadata, spec: cron });
    const first = cluster.fireCronJob("nightly") ?? "";
    expect(first).toMatch(/^nightly-\d+$/);
    expect(cluster.fireCronJob("nightly")).toBeUndefined();
    await api.remove(JOBS, "ingestion", first, { propagation: "Background" });
    await eventually(() => expect(cluster.objects(CRON_JOBS)[0]?.status).not.toHaveProperty("active"));
    await api.patch(CRON_JOBS, "ingestion", "nightly", { spec: { suspend: true } });
    expect(cluster.fireCronJob("nightly")).toBeUndefined();
  });

  test("closing ends every process, also those that left their group, and leaves no file", async () => {
    const world = await openFake();
    const directory = await temporaryDirectory();
    const script = `(setsid sh -c 'echo $$ $PWD > ${directory}/pid; trap "" TERM; sleep 100' &); trap '' TERM; sleep 100`;
    world.cluster.put(shellJob(world, "stubborn", script));
    const [pid = "", place = ""] = await eventually(async () => {
      const words = (await readFile(join(directory, "pid"), "utf8")).trim().split(" ");
      expect(words).toHaveLength(2);
      return words;
    });
    await world.cluster.close();
    await expect(readFile(`/proc/${pid}/stat`)).rejects.toThrow("ENOENT");
    await expect(readFile(join(place, "x"))).rejects.toThrow("ENOENT");
    expect(place).toContain("fake-cluster-");
  });
});

describe("many pods of the fake", () => {
  test("a cluster that is closed while its pods start leaves no process", async () => {
    const directory = await temporaryDirectory();
    const world = await openFake();
    const { cluster } = world;
    const script = `trap '' TERM; echo $$ > ${directory}/$HOSTNAME; sleep 100`;
    for (let n = 0; n < 10; n++) cluster.put(shellJob(world, `early-${n}`, script));
    /** Of those that came to say it: a shell makes its file before it writes into it. */
    const pids = async (): Promise<readonly string[]> => {
      const texts = (await readdir(directory)).map((name) => readFile(join(directory, name), "utf8"));
      return (await Promise.all(texts)).map((text) => text.trim()).filter((pid) => pid !== "");
    };
    await eventually(async () => expect(await pids()).not.toEqual([]));
    await cluster.close();
    for (const pid of await pids()) {
      await expect(readFile(`/proc/${pid}/stat`)).rejects.toThrow("ENOENT");
    }
  });
});
