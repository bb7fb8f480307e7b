import { describe, expect, test } from "vitest";
import { CRON_JOBS, JOBS, PODS, SECRETS } from "../../../src/kubernetes/objects.ts";
import { eventually } from "../eventually.ts";
import {
  type ClusterUnderTest,
  createJob,
  endedJob,
  LIMIT_MS,
  logOf,
  podsOf,
  podWhere,
  reasonsAbout,
  refusal,
  runningPod,
  shellJob,
} from "./contract-tools.ts";

/** What the controllers of Jobs and CronJobs do, true of a real cluster and of the fake one. */
export function describeJobs(name: string, open: () => Promise<ClusterUnderTest>): void {
  const check = (title: string, body: (cluster: ClusterUnderTest) => Promise<void>): void => {
    test(title, { timeout: LIMIT_MS * 2 }, async () => body(await open()));
  };

  describe(`${name}: Jobs`, () => {
    check("exit 0 completes the Job, by way of SuccessCriteriaMet", async (cluster) => {
      const made = await createJob(cluster, shellJob(cluster, "good", "echo hello; sleep 1"));
      const [job, types] = await endedJob(cluster, "good");
      expect(types).toEqual(["SuccessCriteriaMet", "Complete"]);
      expect(job.status).toMatchObject({
        succeeded: 1,
        completionTime: expect.any(String),
        startTime: expect.any(String),
      });
      expect(job.status?.active ?? 0).toBe(0);
      const [pod] = await podsOf(cluster, "good");
      expect(pod?.status).toMatchObject({ phase: "Succeeded", startTime: expect.any(String) });
      expect(pod?.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
        exitCode: 0,
        reason: "Completed",
      });
      const labels = {
        topic: "fake",
        "batch.kubernetes.io/job-name": "good",
        "batch.kubernetes.io/controller-uid": made.metadata.uid,
      };
      expect(pod?.metadata.labels).toMatchObject(labels);
      expect(pod?.metadata.ownerReferences).toMatchObject([{ kind: "Job", name: "good", controller: true }]);
      expect(pod?.metadata.name).toMatch(/^good-[a-z0-9]{5}$/);
      const podName = pod?.metadata.name ?? "";
      await eventually(async () => {
        const about = [...(await reasonsAbout(cluster, "good")), ...(await reasonsAbout(cluster, podName))];
        const wanted = ["SuccessfulCreate", "Completed", "Scheduled", "Pulled", "Created", "Started"];
        expect(about).toEqual(expect.arrayContaining(wanted.map((reason) => `Normal ${reason}`)));
      }, LIMIT_MS);
    });

    check(
      "another exit code fails it with BackoffLimitExceeded, and the pod stays with its message",
      async (cluster) => {
        await createJob(cluster, shellJob(cluster, "bad", "echo why > /dev/termination-log; exit 3"));
        const [job, types] = await endedJob(cluster, "bad");
        expect(types).toEqual(["FailureTarget", "Failed"]);
        expect(job.status?.conditions?.[1]).toMatchObject({
          reason: "BackoffLimitExceeded",
          message: "Job has reached the specified backoff limit",
        });
        expect(job.status?.failed).toBe(1);
        const [pod] = await podsOf(cluster, "bad");
        expect(pod?.status?.phase).toBe("Failed");
        expect(pod?.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
          exitCode: 3,
          reason: "Error",
          message: "why\n",
        });
        expect(await reasonsAbout(cluster, "bad")).toContain("Warning BackoffLimitExceeded");
      },
    );

    check(
      "parallelism 0 with a deadline of 1 ends the pod, and the Job fails only when the pod is gone",
      async (cluster) => {
        const { api, namespace } = cluster;
        await createJob(cluster, shellJob(cluster, "stopped", "trap '' TERM; while :; do sleep 0.2; done"));
        await runningPod(cluster, "stopped");
        await api.patch(JOBS, namespace, "stopped", { spec: { parallelism: 0, activeDeadlineSeconds: 1 } });
        await eventually(async () => {
          const [pod] = await podsOf(cluster, "stopped");
          expect(pod?.metadata.deletionTimestamp).toBeDefined();
          const job = await api.get(JOBS, namespace, "stopped");
          expect(job.status?.terminating).toBe(1);
          expect(job.status?.conditions?.map(({ type }) => type) ?? []).not.toContain("Failed");
        }, LIMIT_MS);
        const [job, types] = await endedJob(cluster, "stopped");
        expect(types).toEqual(["FailureTarget", "Failed"]);
        expect(job.status?.conditions?.[1]).toMatchObject({ reason: "DeadlineExceeded" });
        expect(await podsOf(cluster, "stopped")).toEqual([]);
      },
    );

    check("a Job made with parallelism 0 and a deadline of 1 fails without a pod", async (cluster) => {
      await createJob(
        cluster,
        shellJob(cluster, "never", "true", { spec: { parallelism: 0, activeDeadlineSeconds: 1 } }),
      );
      const [job] = await endedJob(cluster, "never");
      expect(job.status?.conditions?.at(-1)).toMatchObject({ type: "Failed", reason: "DeadlineExceeded" });
      expect(await reasonsAbout(cluster, "never")).not.toContain("Normal SuccessfulCreate");
    });

    check("a suspended Job has no pod until it goes on", async (cluster) => {
      const { api, namespace } = cluster;
      await createJob(cluster, shellJob(cluster, "asleep", "true", { spec: { suspend: true } }));
      await eventually(async () => {
        expect((await api.get(JOBS, namespace, "asleep")).status?.conditions).toMatchObject([
          { type: "Suspended", status: "True" },
        ]);
      }, LIMIT_MS);
      expect(await podsOf(cluster, "asleep")).toEqual([]);
      await api.patch(JOBS, namespace, "asleep", { spec: { suspend: false } });
      const [, types] = await endedJob(cluster, "asleep");
      expect(types).toContain("Complete");
    });

    check("deleting a Job in the background takes its pod and its Secret along", async (cluster) => {
      const { api, namespace } = cluster;
      const { metadata } = await createJob(cluster, shellJob(cluster, "owner", "sleep 100"));
      const owner = {
        apiVersion: "batch/v1",
        kind: "Job",
        name: "owner",
        uid: metadata.uid ?? "",
        blockOwnerDeletion: false,
      };
      await api.create(SECRETS, namespace, {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "owned", ownerReferences: [owner] },
      });
      await runningPod(cluster, "owner");
      await api.remove(JOBS, namespace, "owner", { propagation: "Background" });
      await eventually(async () => {
        expect(await podsOf(cluster, "owner")).toEqual([]);
        expect((await refusal(api.get(SECRETS, namespace, "owned"))).code).toBe("ApiNotFound");
      }, LIMIT_MS);
    });

    check("a time-to-live that is patched in removes the ended Job with its pod", async (cluster) => {
      const { api, namespace } = cluster;
      await createJob(cluster, shellJob(cluster, "trimmed", "true"));
      await endedJob(cluster, "trimmed");
      await api.patch(JOBS, namespace, "trimmed", { spec: { ttlSecondsAfterFinished: 0 } });
      await eventually(async () => {
        expect((await refusal(api.get(JOBS, namespace, "trimmed"))).code).toBe("ApiNotFound");
        expect(await podsOf(cluster, "trimmed")).toEqual([]);
      }, LIMIT_MS);
    });

    check("a pod that is deleted by force is gone soon, its process with it, and fails its Job", async (cluster) => {
      const { api, namespace } = cluster;
      await createJob(cluster, shellJob(cluster, "forced", "trap '' TERM; while :; do sleep 0.1; done"));
      const { metadata } = await runningPod(cluster, "forced");
      await api.remove(PODS, namespace, metadata.name, { propagation: "Background", gracePeriodSeconds: 0 });
      const [job, types] = await endedJob(cluster, "forced");
      expect(types).toEqual(["FailureTarget", "Failed"]);
      expect(job.status?.conditions?.[0]).toMatchObject({ reason: "BackoffLimitExceeded" });
      await eventually(async () => expect(await podsOf(cluster, "forced")).toEqual([]), LIMIT_MS);
    });

    check("a pod that is deleted before it has a node is removed after a while and fails its Job", async (cluster) => {
      const { api, namespace } = cluster;
      const nodeSelector = { "example.org/no": "such-node" };
      await createJob(cluster, shellJob(cluster, "unborn", "true", { pod: { nodeSelector } }));
      const { metadata } = await podWhere(cluster, "unborn", ({ status }) => {
        expect(status?.conditions?.some(({ reason }) => reason === "Unschedulable")).toBe(true);
      });
      await api.remove(PODS, namespace, metadata.name, { propagation: "Background" });
      const [, types] = await endedJob(cluster, "unborn");
      expect(types).toEqual(["FailureTarget", "Failed"]);
      await eventually(async () => expect(await podsOf(cluster, "unborn")).toEqual([]), LIMIT_MS);
    });

    check("what is made for an owner that is gone is removed", async ({ api, namespace }) => {
      const owner = { apiVersion: "batch/v1", kind: "Job", name: "gone", uid: crypto.randomUUID() };
      const metadata = { name: "orphan", ownerReferences: [owner] };
      await api.create(SECRETS, namespace, { apiVersion: "v1", kind: "Secret", metadata });
      await eventually(async () => {
        expect((await refusal(api.get(SECRETS, namespace, "orphan"))).code).toBe("ApiNotFound");
      }, LIMIT_MS);
    });

    check("a pod that is deleted under its Job ends by TERM and fails it", async (cluster) => {
      const { api, namespace } = cluster;
      await createJob(cluster, shellJob(cluster, "robbed", "trap 'exit 7' TERM; while :; do sleep 0.1; done"));
      const pod = await runningPod(cluster, "robbed");
      await api.remove(PODS, namespace, pod.metadata.name, { propagation: "Background" });
      const [, types] = await endedJob(cluster, "robbed");
      expect(types).toEqual(["FailureTarget", "Failed"]);
      await eventually(async () => expect(await podsOf(cluster, "robbed")).toEqual([]), LIMIT_MS);
      expect(await reasonsAbout(cluster, pod.metadata.name)).toContain("Normal Killing");
    });

    check(
      "a CronJob makes a Job with its labels, its time and its number, and the pod sees the Job's UID",
      async (cluster) => {
        const { api, namespace } = cluster;
        const fieldPath = "metadata.labels['batch.kubernetes.io/controller-uid']";
        const env = [{ name: "RUN", valueFrom: { fieldRef: { fieldPath } } }];
        const { spec } = shellJob(cluster, "x", "echo run $RUN", { main: { env } });
        const metadata = { name: "minutely", namespace };
        const jobTemplate = { metadata: { labels: { of: "minutely" }, annotations: { note: "1" } }, spec };
        const cron = { schedule: "* * * * *", concurrencyPolicy: "Forbid" as const, jobTemplate };
        const made = await api.create(CRON_JOBS, namespace, {
          apiVersion: "batch/v1",
          kind: "CronJob",
          metadata,
          spec: cron,
        });
        expect(made.spec).toMatchObject({ suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 });
        cluster.fire?.("minutely");
        const job = await eventually(async () => {
          const [first] = (await api.list(JOBS, namespace, { labelSelector: "of=minutely" })).items;
          if (first === undefined) throw new Error("it has not fired yet");
          return first;
        });
        await api.patch(CRON_JOBS, namespace, "minutely", { spec: { suspend: true } });
        expect(job.metadata.name).toMatch(/^minutely-\d{8}$/);
        expect(job.metadata.annotations).toMatchObject({
          note: "1",
          "batch.kubernetes.io/cronjob-scheduled-timestamp": expect.stringMatching(/:00Z$/),
        });
        expect(job.metadata.ownerReferences).toMatchObject([
          { kind: "CronJob", name: "minutely", uid: made.metadata.uid, controller: true },
        ]);
        await endedJob(cluster, job.metadata.name);
        const [pod] = await podsOf(cluster, job.metadata.name);
        expect(await logOf(cluster, pod?.metadata.name ?? "")).toBe(`run ${job.metadata.uid}\n`);
        await eventually(async () => {
          const { status } = await api.get(CRON_JOBS, namespace, "minutely");
          expect(status).toMatchObject({
            lastScheduleTime: expect.any(String),
            lastSuccessfulTime: expect.any(String),
          });
        }, LIMIT_MS);
        await api.remove(CRON_JOBS, namespace, "minutely", { propagation: "Background" });
        await eventually(
          async () => expect((await api.list(JOBS, namespace, { labelSelector: "of=minutely" })).items).toEqual([]),
          LIMIT_MS,
        );
      },
    );
  });
}
