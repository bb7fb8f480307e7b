import { describe, expect, test } from "vitest";
import type { AttemptFacts, SeenPod } from "../../../../src/executor/pods/judge/facts.ts";
import { ANNOTATIONS } from "../../../../src/executor/pods/labels.ts";
import type { Condition, KubernetesEvent, Pod } from "../../../../src/kubernetes/objects.ts";
import { endStatementText } from "../../../../src/protocol/end-statement.ts";
import type { FailureCategory } from "../../../../src/protocol/failure-category.ts";
import {
  at,
  attemptOf,
  CREATED,
  ended,
  event,
  gone,
  holds,
  job,
  judged,
  pod,
  running,
  waiting,
} from "./facts-of-runs.ts";

const stopAt = (seconds: number): Record<string, string> => ({
  [ANNOTATIONS.stopRequestedAt]: String(CREATED + seconds * 1000),
});
const failedJob = job({
  conditions: [holds("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")],
});
const lateJob = job({
  timeoutSeconds: 5,
  conditions: [holds("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")],
});
const statement = (more: object): string => endStatementText({ version: 1, ...more });

describe("the verdict on an attempt that succeeded", () => {
  test("rests on exit code 0 of container main", () => {
    const { verdict } = judged(attemptOf(job(), [pod({ phase: "Succeeded", main: ended(0, "Completed") })]));
    expect(verdict).toMatchObject({
      state: "success",
      exitCode: 0,
      startedAt: CREATED + 2000,
      endedAt: CREATED + 10_000,
      proof: expect.stringMatching(/^exit code 0 of container main in pod hr-.*-abcde of Job hr-/),
    });
  });

  test("rests on the Job's Complete condition only where the pod is gone", () => {
    const complete = job({ conditions: [holds("Complete", "CompletionsReached")], completionTime: at(11) });
    expect(judged(attemptOf(complete)).verdict).toMatchObject({
      state: "success",
      endedAt: CREATED + 11_000,
      proof: expect.stringContaining("Complete"),
    });
    expect(judged(attemptOf(complete, [pod({ main: running() })])).verdict).toMatchObject({ state: "running" });
  });

  test("carries the log's end that the wrapper stated", () => {
    const log = { bytes: 7, sha256: "a".repeat(64) };
    const main = ended(0, "Completed", 10, statement({ exitCode: 0, log }));
    expect(judged(attemptOf(job(), [pod({ phase: "Succeeded", main })])).verdict).toMatchObject({
      state: "success",
      log,
    });
  });

  test("is taken from main while a side-car goes on, and the pod is to be ended", () => {
    const facts = attemptOf(job(), [pod({ main: ended(0, "Completed"), sideCar: running() })]);
    expect(judged(facts)).toMatchObject({
      verdict: { state: "success" },
      end: { state: "success", endPods: "nothing" },
    });
  });

  test("stays after the runner ended the side-cars, also where the pod is gone", () => {
    const ending = JSON.stringify({
      state: "success",
      at: CREATED + 10_000,
      exitCode: 0,
      proof: "exit code 0 of main",
    });
    const late = job({ annotations: { [ANNOTATIONS.ending]: ending }, conditions: lateJob.status?.conditions ?? [] });
    expect(judged(attemptOf(late)).verdict).toMatchObject({
      state: "success",
      exitCode: 0,
      proof: "exit code 0 of main",
    });
  });

  test.each<[string, AttemptFacts]>([
    ["its pod was deleted before it exited", attemptOf(failedJob, [pod({ main: ended(0), deletedAt: 9 })])],
    ["its pod was deleted in the same second", attemptOf(failedJob, [pod({ main: ended(0), deletedAt: 10 })])],
    ["its pod was evicted", attemptOf(failedJob, [pod({ phase: "Failed", reason: "Evicted", main: ended(0) })])],
    [
      "the run was told to stop",
      attemptOf(job({ annotations: stopAt(5), conditions: [holds("Failed", "DeadlineExceeded")] }), [
        pod({ main: ended(0), deletedAt: 6 }),
      ]),
    ],
    ["the stream of states ends", attemptOf(job(), [gone(pod({ main: running() }), 12)])],
    ["only the Job's pods are gone", attemptOf(job(), [])],
  ])("is not success by exit code 0 or silence when %s", (_why, facts) => {
    expect(judged(facts, 60).verdict.state).not.toBe("success");
  });
});

describe("the verdict on an attempt that failed", () => {
  test.each<[FailureCategory, string, AttemptFacts, RegExp]>([
    ["ExitCode", "an exit code", attemptOf(job(), [pod({ phase: "Failed", main: ended(3) })]), /exit code 3/],
    ["Killed", "137 without the reason", attemptOf(job(), [pod({ phase: "Failed", main: ended(137) })]), /SIGKILL/],
    [
      "Killed",
      "a fault of memory",
      attemptOf(job(), [pod({ phase: "Failed", main: ended(139) })]),
      /crashed with SIGSEGV/,
    ],
    [
      "OOMKilled",
      "the kernel's reason",
      attemptOf(job(), [pod({ phase: "Failed", memory: "64Mi", main: ended(137, "OOMKilled") })]),
      /64Mi/,
    ],
    [
      "OOMKilled",
      "an init container's",
      attemptOf(failedJob, [
        pod({ phase: "Failed", memory: "32Mi", init: ended(137, "OOMKilled"), main: waiting("PodInitializing") }),
      ]),
      /container wrapper .*32Mi/,
    ],
    [
      "StartFailed",
      "an init container's exit",
      attemptOf(failedJob, [pod({ phase: "Failed", init: ended(1), main: waiting("PodInitializing") })]),
      /init container wrapper failed with exit code 1/,
    ],
    [
      "StartFailed",
      "a program that isn't there",
      attemptOf(job(), [
        pod({
          phase: "Failed",
          main: ended(128, "StartError", 3, 'exec: "python": executable file not found in $PATH'),
        }),
      ]),
      /could not be started/,
    ],
    [
      "SecretUnresolved",
      "the wrapper's word",
      attemptOf(job(), [
        pod({
          phase: "Failed",
          main: ended(
            70,
            "Error",
            4,
            statement({ category: "SecretUnresolved", summary: "secret:/a/b was not found" }),
          ),
        }),
      ]),
      /secret:\/a\/b/,
    ],
    [
      "ConfigError",
      "the wrapper's word",
      attemptOf(job(), [
        pod({
          phase: "Failed",
          main: ended(78, "Error", 4, statement({ category: "ConfigError", summary: "no config" })),
        }),
      ]),
      /no config/,
    ],
    [
      "ExitCode",
      "70 without the wrapper's word",
      attemptOf(job(), [pod({ phase: "Failed", main: ended(70) })]),
      /exit code 70/,
    ],
    [
      "Killed",
      "the wrapper's word of a signal",
      attemptOf(job(), [pod({ phase: "Failed", main: ended(143, "Error", 9, statement({ signal: "SIGTERM" })) })]),
      /SIGTERM/,
    ],
    [
      "Evicted",
      "the node ran short",
      attemptOf(job(), [
        pod({ phase: "Failed", reason: "Evicted", message: "low on resource: memory", main: ended(137) }),
      ]),
      /ran short/,
    ],
    [
      "Evicted",
      "the eviction API",
      attemptOf(failedJob, [
        pod({
          phase: "Failed",
          main: ended(143),
          deletedAt: 8,
          conditions: [holds("DisruptionTarget", "EvictionByEvictionAPI", "Eviction API: evicting")],
        }),
      ]),
      /evicted/,
    ],
    [
      "Preempted",
      "the scheduler",
      attemptOf(failedJob, [
        pod({
          phase: "Failed",
          main: ended(143),
          deletedAt: 8,
          conditions: [holds("DisruptionTarget", "PreemptionByScheduler")],
        }),
      ]),
      /priority/,
    ],
    [
      "NodeLost",
      "the pod collector",
      attemptOf(failedJob, [
        pod({
          phase: "Failed",
          main: running(),
          conditions: [holds("DisruptionTarget", "DeletionByPodGC", "node no longer exists")],
        }),
      ]),
      /node/,
    ],
    [
      "NodeLost",
      "the taint manager on a silent node",
      attemptOf(
        failedJob,
        [
          gone(
            pod({ main: running(), deletedAt: 8, conditions: [holds("DisruptionTarget", "DeletionByTaintManager")] }),
            12,
          ),
        ],
        [event("Pod", "NodeNotReady", "Node is not ready", 7)],
      ),
      /no longer answers/,
    ],
    [
      "Evicted",
      "a taint of somebody",
      attemptOf(failedJob, [
        gone(
          pod({ main: running(), deletedAt: 8, conditions: [holds("DisruptionTarget", "DeletionByTaintManager")] }),
          12,
        ),
      ]),
      /taint/,
    ],
    [
      "DeadlineExceeded",
      "the Job's deadline",
      attemptOf(lateJob, [pod({ phase: "Failed", main: ended(143), deletedAt: 7 })]),
      /longer than 5 s/,
    ],
    ["DeadlineExceeded", "the deadline, seen after the pod went", attemptOf(lateJob), /longer than 5 s/],
    [
      "PodDeleted",
      "somebody's delete",
      attemptOf(failedJob, [pod({ phase: "Failed", main: ended(143), deletedAt: 7 })]),
      /deleted/,
    ],
    [
      "PodDeleted",
      "a forced delete",
      attemptOf(failedJob, [gone(pod({ main: running(), deletedAt: 9, grace: 0 }), 10)]),
      /deleted/,
    ],
    [
      "PodDeleted",
      "a delete while it was pending",
      attemptOf(failedJob, [
        pod({
          phase: "Failed",
          deletedAt: 5,
          main: { terminated: { exitCode: 137, reason: "ContainerStatusUnknown" } },
        }),
      ]),
      /deleted/,
    ],
    [
      "JobDeleted",
      "the Job's delete",
      attemptOf(job(), [gone(pod({ main: running(), deletedAt: 9 }), 12)], [], 9),
      /Job was deleted/,
    ],
    [
      "Lost",
      "a pod that nobody saw end",
      attemptOf(job({ failed: 1, conditions: failedJob.status?.conditions ?? [] })),
      /nobody saw/,
    ],
    [
      "Evicted",
      "an event of a pod that nobody saw",
      attemptOf(failedJob, [], [event("Pod", "Evicted", "low on memory")]),
      /evicted/,
    ],
    [
      "Unschedulable",
      "a node that refused",
      attemptOf(failedJob, [
        pod({ phase: "Failed", reason: "OutOfcpu", message: "Node didn't have enough resource: cpu" }),
      ]),
      /OutOfcpu/,
    ],
    [
      "StartTimeout",
      "a Job that says so",
      attemptOf(job({ annotations: { [ANNOTATIONS.notStarted]: "StartTimeout" } })),
      /time by which/,
    ],
  ])("is %s by %s", (category, _by, facts, words) => {
    // The retry that the infrastructure's failures get is another test's: here the second attempt is judged.
    const { verdict } = judged({ ...facts, job: withoutRetry(facts.job) }, 60);
    expect(verdict).toMatchObject({ state: "failed", failure: { category, summary: expect.stringMatching(words) } });
  });

  test("names exit code, pod, node and Job", () => {
    const { verdict } = judged(attemptOf(job(), [pod({ phase: "Failed", main: ended(3) })]));
    const detail = "failure" in verdict ? verdict.failure?.detail : undefined;
    expect(detail).toMatch(/exit code 3.*pod hr-.*-abcde on node node-1/);
  });

  test("has an exit code only where the program exited by itself", () => {
    const of = (exitCode: number, reason?: string): unknown =>
      judged(attemptOf(job(), [pod({ phase: "Failed", main: ended(exitCode, reason) })])).verdict;
    expect(of(3)).toHaveProperty("exitCode", 3);
    expect(of(137)).not.toHaveProperty("exitCode");
    expect(of(137, "OOMKilled")).not.toHaveProperty("exitCode");
  });

  test("is not told as long as the Job may still say why the pod was ended", () => {
    const facts = attemptOf(job(), [pod({ phase: "Failed", main: ended(143, "Error", 10), deletedAt: 9 })]);
    expect(judged(facts, 12).verdict).toMatchObject({ state: "running", lookAt: CREATED + 20_000 });
    expect(judged({ ...facts, job: withoutRetry(facts.job) }, 21).verdict).toMatchObject({
      failure: { category: "PodDeleted" },
    });
  });

  test("is of whoever deleted the pod also when the kubelet's own delete comes later than the end", () => {
    const killed = pod({ phase: "Failed", main: ended(137), deletedAt: 11, grace: 0 });
    const facts = attemptOf(failedJob, [killed]);
    expect(judged({ ...facts, job: withoutRetry(facts.job) }).verdict).toMatchObject({
      failure: { category: "PodDeleted" },
    });
    const left = pod({ phase: "Succeeded", main: ended(0, "Completed"), deletedAt: 11, grace: 0 });
    const told = event("Pod", "Killing", "Stopping container main", 9);
    expect(judged(attemptOf(failedJob, [left], [told])).verdict.state).not.toBe("success");
    expect(judged(attemptOf(failedJob, [left])).verdict.state).toBe("success");
    expect(judged(attemptOf(failedJob, [{ pod: left, deletionAskedAt: CREATED + 9000 }])).verdict.state).not.toBe(
      "success",
    );
  });

  test("is not told of a deleted Job as long as its pod runs", () => {
    const facts = attemptOf(job(), [pod({ main: running(), deletedAt: 9 })], [], 9);
    expect(judged(facts, 12).verdict.state).toBe("running");
  });
});

describe("the verdict on a run that was told to stop", () => {
  const stopping = job({ annotations: stopAt(5) });
  const over = job({ annotations: stopAt(5), conditions: [holds("Failed", "DeadlineExceeded", "", 9)] });

  test("is stopped only when the Job has ended and its pods are gone", () => {
    expect(judged(attemptOf(stopping, [pod({ main: running() })])).verdict.state).toBe("running");
    expect(judged(attemptOf(stopping, [pod({ main: ended(143), deletedAt: 6 })])).verdict.state).toBe("running");
    expect(judged(attemptOf(over, [pod({ main: running(), deletedAt: 6 })])).verdict.state).toBe("running");
    expect(judged(attemptOf(over, [pod({ main: ended(143), deletedAt: 6 })])).verdict.state).toBe("stopped");
    expect(judged(attemptOf(over, [gone(pod({ main: running(), deletedAt: 6 }), 8)])).verdict.state).toBe("stopped");
  });

  test("carries the log's end that the wrapper stated, also of a pod that is gone", () => {
    const log = { bytes: 7, sha256: "a".repeat(64) };
    const main = ended(143, "Error", 10, statement({ signal: "SIGTERM", log }));
    const facts = attemptOf(over, [gone(pod({ main, deletedAt: 6 }), 12)]);
    expect(judged(facts).verdict).toMatchObject({ state: "stopped", log });
  });

  test("is stopped without ever having had a pod", () => {
    expect(judged(attemptOf(stopping)).verdict).toMatchObject({ state: "queued" });
    expect(judged(attemptOf(over)).verdict).toMatchObject({ state: "stopped", endedAt: CREATED + 9000 });
  });

  test("is stopped where the Job was deleted after it", () => {
    expect(judged(attemptOf(stopping, [], [], 8)).verdict.state).toBe("stopped");
  });

  test("is what the program came to where that ended before", () => {
    expect(judged(attemptOf(over, [pod({ phase: "Failed", main: ended(3, "Error", 4) })])).verdict).toMatchObject({
      state: "failed",
      exitCode: 3,
    });
    expect(judged(attemptOf(over, [pod({ phase: "Succeeded", main: ended(0, "Completed", 4) })])).verdict.state).toBe(
      "success",
    );
    const before = job({
      annotations: stopAt(15),
      conditions: [holds("Complete", "CompletionsReached")],
      completionTime: at(11),
    });
    expect(judged(attemptOf(before)).verdict.state).toBe("success");
  });
});

function withoutRetry(of: AttemptFacts["job"]): AttemptFacts["job"] {
  const annotations = { ...of.metadata.annotations, [ANNOTATIONS.freeAttempts]: "1" };
  return { ...of, metadata: { ...of.metadata, annotations } };
}

describe("a run whose time is over before its program began", () => {
  const late = (pods: readonly (Pod | SeenPod)[], events: readonly KubernetesEvent[] = []): AttemptFacts =>
    attemptOf(lateJob, pods, events);
  const WORDS = "0/1 nodes are available: insufficient cpu";
  const unscheduled: Condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message: WORDS };

  test.each<[FailureCategory, string, AttemptFacts, RegExp]>([
    [
      "Unschedulable",
      "a pod that no node takes",
      late([gone(pod({ phase: "Pending", conditions: [unscheduled] }), 9)]),
      /insufficient cpu/,
    ],
    ["Unschedulable", "an event of it", late([], [event("Pod", "FailedScheduling", WORDS)]), /insufficient cpu/],
    [
      "ImagePull",
      "a pull that doesn't succeed",
      late([gone(pod({ phase: "Pending", main: waiting("ErrImagePull", "429 Too Many Requests") }), 9)]),
      /429/,
    ],
    [
      "Quota",
      "a quota",
      late([], [event("Job", "FailedCreate", "Error creating: exceeded quota: small")]),
      /exceeded quota/,
    ],
    [
      "StartTimeout",
      "nothing known",
      late([gone(pod({ phase: "Pending", main: waiting("ContainerCreating") }), 9)]),
      /did not start within/,
    ],
  ])("fails with %s for %s, and not as one that took too long", (category, _what, facts, words) => {
    const { verdict } = judged(facts, 30);
    const failure = {
      category,
      summary: expect.stringMatching(words),
      detail: expect.stringContaining("longer than specified"),
    };
    expect(verdict).toMatchObject({ state: "failed", failure });
    expect(verdict).toMatchObject({ failure: { summary: expect.stringContaining("timeout of 5 s") } });
  });

  test("tells how much of it went by before the container began, where it did begin", () => {
    const { verdict } = judged(late([gone(pod({ main: running(4) }), 9)]), 30);
    const detail = expect.stringContaining("4 s of it went by before its container began");
    expect(verdict).toMatchObject({ failure: { category: "DeadlineExceeded", detail } });
  });
});

test("an end tells of processes that the kernel killed for lack of memory, whatever the program made of it", () => {
  const end = (exitCode: number, reason: string, more: object): AttemptFacts =>
    attemptOf(job(), [pod({ memory: "1Gi", main: ended(exitCode, reason, 10, statement(more)) })]);
  const words = expect.stringContaining("the kernel killed 2 processes of the container for lack of memory");
  expect(judged(end(0, "Completed", { exitCode: 0, memoryKills: 2 })).verdict).toMatchObject({
    state: "success",
    proof: words,
  });
  expect(judged(end(3, "Error", { exitCode: 3, memoryKills: 2 })).verdict).toMatchObject({
    failure: { category: "ExitCode", detail: words },
  });
  expect(judged(end(137, "Error", { signal: "SIGKILL", memoryKills: 1 })).verdict).toMatchObject({
    failure: { category: "OOMKilled", summary: expect.stringContaining("1Gi") },
  });
  // Of the container runtime's word alone.
  const told = { state: "success", proof: expect.stringContaining("the kernel killed a process") };
  expect(judged(end(0, "OOMKilled", { exitCode: 0 })).verdict).toMatchObject(told);
  expect(judged(end(0, "Completed", { exitCode: 0 })).verdict).toMatchObject({
    proof: expect.not.stringContaining("memory"),
  });
});
