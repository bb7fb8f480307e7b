import { describe, expect, test } from "vitest";
import { SECRETS } from "../../../src/kubernetes/objects.ts";
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

/** What the node does with pods, true of a real cluster and of the fake one. */
export function describePods(name: string, open: () => Promise<ClusterUnderTest>): void {
  const check = (title: string, body: (cluster: ClusterUnderTest) => Promise<void>): void => {
    test(title, { timeout: LIMIT_MS * 2 }, async () => body(await open()));
  };

  describe(`${name}: pods`, () => {
    check(
      "a container is given its files and variables, and waits for a Secret that isn't there yet",
      async (cluster) => {
        const { api, namespace } = cluster;
        const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
        const main = {
          command: ["sh", "-c"],
          args: ["cat /etc/run/config; echo; echo $TOKEN $POD $NOTE $LITERAL; cat $PLACE"],
          env: [
            { name: "TOKEN", valueFrom: { secretKeyRef: { name: "late", key: "token" } } },
            field("POD", "metadata.name"),
            field("NOTE", "metadata.annotations['example.org/note']"),
            { name: "LITERAL", value: "$(POD)-x" },
            { name: "PLACE", value: "/etc/run/token" },
          ],
          volumeMounts: [{ name: "run", mountPath: "/etc/run", readOnly: true }],
        };
        const pod = { volumes: [{ name: "run", secret: { secretName: "late" } }] };
        await createJob(cluster, shellJob(cluster, "waiting", "", { main, pod }));
        const waiting = await podWhere(cluster, "waiting", ({ status }) => {
          expect(status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe("ContainerCreating");
        });
        await eventually(
          async () => expect(await reasonsAbout(cluster, waiting.metadata.name)).toContain("Warning FailedMount"),
          LIMIT_MS,
        );
        const stringData = { config: '{"a":1}', token: "t0ken" };
        await api.create(SECRETS, namespace, {
          apiVersion: "v1",
          kind: "Secret",
          metadata: { name: "late" },
          stringData,
        });
        await endedJob(cluster, "waiting");
        const { name: podName } = waiting.metadata;
        expect(await logOf(cluster, podName)).toBe(`{"a":1}\nt0ken ${podName} a note ${podName}-x\nt0ken`);
      },
    );

    check(
      "a missing Secret of a variable and an image that can't be pulled keep containers waiting, with the reason",
      async (cluster) => {
        const env = [{ name: "X", valueFrom: { secretKeyRef: { name: "absent", key: "x" } } }];
        await createJob(cluster, shellJob(cluster, "no-secret", "true", { main: { env } }));
        await createJob(cluster, shellJob(cluster, "no-pull", "true", { main: { image: "registry.invalid/x:1" } }));
        await createJob(cluster, shellJob(cluster, "no-name", "true", { main: { image: "Not:An:Image" } }));
        await podWhere(cluster, "no-secret", ({ status }) => {
          const waiting = { reason: "CreateContainerConfigError", message: 'secret "absent" not found' };
          expect(status?.containerStatuses?.[0]?.state?.waiting).toMatchObject(waiting);
        });
        await podWhere(cluster, "no-pull", ({ status }) => {
          expect(status?.containerStatuses?.[0]?.state?.waiting).toMatchObject({ reason: "ImagePullBackOff" });
        });
        await podWhere(cluster, "no-name", ({ status }) => {
          expect(status?.phase).toBe("Pending");
          expect(status?.containerStatuses?.[0]?.state?.waiting).toMatchObject({ reason: "InvalidImageName" });
        });
        const [pod] = await podsOf(cluster, "no-pull");
        const refused = await refusal(logOf(cluster, pod?.metadata.name ?? ""));
        expect(refused.message).toMatch(/is waiting to start/);
      },
    );

    check("a pod no node takes is unschedulable, and a deadline ends it", async (cluster) => {
      const pod = { nodeSelector: { "example.org/no": "such-node" } };
      await createJob(cluster, shellJob(cluster, "nowhere", "true", { pod, spec: { activeDeadlineSeconds: 3 } }));
      const pending = await podWhere(cluster, "nowhere", ({ status }) => {
        const scheduled = status?.conditions?.find(({ type }) => type === "PodScheduled");
        expect(scheduled).toMatchObject({
          status: "False",
          reason: "Unschedulable",
          message: expect.stringContaining("nodes are available"),
        });
      });
      await eventually(
        async () => expect(await reasonsAbout(cluster, pending.metadata.name)).toContain("Warning FailedScheduling"),
        LIMIT_MS,
      );
      const [job] = await endedJob(cluster, "nowhere");
      expect(job.status?.conditions?.at(-1)).toMatchObject({ reason: "DeadlineExceeded" });
      await eventually(async () => expect(await podsOf(cluster, "nowhere")).toEqual([]), LIMIT_MS);
    });

    check(
      "a program that isn't there is a StartError, and an init container that fails ends the pod",
      async (cluster) => {
        await createJob(cluster, shellJob(cluster, "no-program", "", { main: { command: ["/no/such/program"] } }));
        const initContainers = [{ name: "first", image: cluster.image, command: ["sh", "-c", "exit 5"] }];
        await createJob(cluster, shellJob(cluster, "no-init", "true", { pod: { initContainers } }));
        const lost = await podWhere(cluster, "no-program", ({ status }) => expect(status?.phase).toBe("Failed"));
        const start = lost.status?.containerStatuses?.[0]?.state?.terminated;
        expect(start).toMatchObject({
          exitCode: 128,
          reason: "StartError",
          message: expect.stringContaining("/no/such/program"),
        });
        const failed = await podWhere(cluster, "no-init", ({ status }) => expect(status?.phase).toBe("Failed"));
        expect(failed.status?.initContainerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 5 });
        expect(failed.status?.containerStatuses?.[0]?.state?.waiting).toMatchObject({ reason: "PodInitializing" });
      },
    );

    check("init containers share volumes with the main one, whose end a second container outlives", async (cluster) => {
      const volumeMounts = [{ name: "shared", mountPath: "/shared" }];
      const pod = {
        volumes: [{ name: "shared", emptyDir: {} }],
        initContainers: [
          { name: "first", image: cluster.image, command: ["sh", "-c", "echo made > /shared/file"], volumeMounts },
        ],
        containers: [
          { name: "main", image: cluster.image, command: ["sh", "-c", "cat /shared/file"], volumeMounts },
          { name: "mesh", image: cluster.image, command: ["sh", "-c", "sleep 100"] },
        ],
      };
      await createJob(cluster, shellJob(cluster, "pair", "", { pod }));
      const seen = await podWhere(cluster, "pair", ({ status }) => {
        const [main, mesh] = status?.containerStatuses ?? [];
        expect(main?.state?.terminated?.exitCode).toBe(0);
        expect(mesh?.state?.running).toBeDefined();
        expect(status?.phase).toBe("Running");
      });
      expect(await logOf(cluster, seen.metadata.name)).toBe("made\n");
    });

    check(
      "a log is rotated, and only a stream that has the old file open still gives it, to its end and no further",
      async (cluster) => {
        const { api, namespace } = cluster;
        const mebibytes = 12;
        const script = `yes "$(head -c 1023 /dev/zero | tr '\\0' x)" | head -c ${mebibytes * 1_048_576}; sleep 15; echo after; sleep 3`;
        await createJob(cluster, shellJob(cluster, "rotating", script));
        const { metadata } = await runningPod(cluster, "rotating");
        const options = { container: "main", follow: true, timestamps: false };
        const stream = api.podLog(namespace, metadata.name, options, new AbortController().signal);
        const pieces = stream[Symbol.asyncIterator]();
        // Not read on: it doesn't come to the end of its file before that is rotated away.
        let bytes = (await pieces.next()).value?.length ?? 0;
        await endedJob(cluster, "rotating");
        const decoder = new TextDecoder();
        let text = "";
        for (let piece = await pieces.next(); piece.done !== true; piece = await pieces.next()) {
          bytes += piece.value.length;
          text = (text + decoder.decode(piece.value, { stream: true })).slice(-100);
        }
        expect(bytes).toBe(mebibytes * 1_048_576);
        expect(text.endsWith("xxx\n")).toBe(true);
        expect(await logOf(cluster, metadata.name)).toBe("after\n");
      },
    );

    check("logs have times, tails, limits and parts of lines, and are followed to their end", async (cluster) => {
      const script = "head -c 40000 /dev/zero | tr '\\0' x; echo; sleep 1; echo second; sleep 1; printf third";
      await createJob(cluster, shellJob(cluster, "talking", script));
      const { metadata } = await runningPod(cluster, "talking");
      const followed = await logOf(cluster, metadata.name, { follow: true, timestamps: true });
      const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z /gm;
      expect(followed.replace(time, "T ")).toBe(`T ${"x".repeat(40_000)}\nT second\nT third`);
      expect(await logOf(cluster, metadata.name)).toBe(`${"x".repeat(40_000)}\nsecond\nthird`);
      expect(await logOf(cluster, metadata.name, { tailLines: 2 })).toBe("second\nthird");
      expect(await logOf(cluster, metadata.name, { tailLines: 3 })).toBe(
        `${"x".repeat(40_000 % 16_384)}\nsecond\nthird`,
      );
      expect(await logOf(cluster, metadata.name, { limitBytes: 10 })).toBe("x".repeat(10));
      const last = [...followed.matchAll(time)].at(-1)?.[0].trim() ?? "";
      expect(await logOf(cluster, metadata.name, { sinceTime: `${last.slice(0, 19)}Z` })).toMatch(/^(second\n)?third$/);
      expect((await refusal(logOf(cluster, metadata.name, { container: "none" }))).message).toContain(
        "container none is not valid for pod",
      );
    });
  });
}
