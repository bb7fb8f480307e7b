import { describe, expect, test } from "vitest";
import { ANNOTATIONS } from "../../../../src/executor/pods/labels.ts";
import type { Job, Pod } from "../../../../src/kubernetes/objects.ts";
import { attemptOf, CREATED, ended, gone, holds, job, judged, pod, running, waiting } from "./facts-of-runs.ts";

const FAILED = [holds("Failed", "BackoffLimitExceeded", "", 11)];
const failedJob = (attempt: number, annotations: Readonly<Record<string, string>> = {}): Job =>
  job({ attempt, annotations, conditions: FAILED });
const retries = (count: number, delaySeconds?: number, free = 0): Record<string, string> => ({
  [ANNOTATIONS.retries]: String(count),
  [ANNOTATIONS.freeAttempts]: String(free),
  ...(delaySeconds === undefined ? {} : { [ANNOTATIONS.retryDelaySeconds]: String(delaySeconds) }),
});
const exited = (code: number, attempt = 1): Pod => pod({ attempt, phase: "Failed", main: ended(code) });
const evicted = (attempt = 1): Pod => pod({ attempt, phase: "Failed", reason: "Evicted", main: ended(137) });

describe("another attempt", () => {
  test("follows a failed one after the pipeline's pause, and is told as waiting for it", () => {
    const facts = attemptOf(failedJob(1, retries(2, 300)), [exited(3)]);
    expect(judged(facts)).toEqual({
      attempt: 2,
      verdict: {
        state: "queued",
        waiting: "attempt 2 in 300 s, because attempt 1: ExitCode: the program ended with exit code 3",
        lookAt: CREATED + 310_000,
      },
      retry: { attempt: 2, free: 0, dueAt: CREATED + 310_000 },
      before: expect.objectContaining({ state: "failed", exitCode: 3 }),
    });
  });

  test("is not made before the Job itself has ended", () => {
    expect(judged(attemptOf(job({ annotations: retries(1) }), [exited(3)]))).toMatchObject({ attempt: 2 });
    expect(judged(attemptOf(job({ annotations: retries(1) }), [exited(3)]))).not.toHaveProperty("retry");
  });

  test("doesn't follow when the pipeline asks for none, or the last one was its last", () => {
    expect(judged(attemptOf(failedJob(1), [exited(3)])).verdict).toMatchObject({ state: "failed" });
    const attempts = [
      attemptOf(failedJob(1, retries(1)), [exited(3)]),
      attemptOf(failedJob(2, retries(1)), [exited(3, 2)]),
    ];
    expect(judged(attempts)).toMatchObject({ attempt: 2, verdict: { state: "failed", exitCode: 3 } });
  });

  test.each([
    'failed to start containerd task "0c90": context deadline exceeded: unknown',
    "failed to create containerd task: failed to create shim task: ttrpc: closed: unknown",
    "failed to create shim task: OCI runtime create failed: fork/exec /proc/self/exe: resource temporarily unavailable",
    "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
  ])("is free once where the node did not manage to start the program: %s", (message) => {
    const unstarted = (attempt: number) =>
      pod({ attempt, phase: "Failed", main: ended(128, "StartError", 3, message) });
    const first = attemptOf(failedJob(1), [unstarted(1)]);
    expect(judged(first)).toMatchObject({ retry: { attempt: 2, free: 1 } });
    const wrapper = ended(128, "StartError", 3, message);
    const init = pod({ phase: "Failed", init: wrapper, main: waiting("PodInitializing") });
    expect(judged(attemptOf(failedJob(1), [init]))).toMatchObject({ retry: { attempt: 2, free: 1 } });
    const twice = judged([first, attemptOf(failedJob(2, retries(0, undefined, 1)), [unstarted(2)])]);
    expect(twice.retry).toBeUndefined();
    expect(twice.verdict).toMatchObject({ state: "failed", failure: { category: "StartFailed" } });
  });

  test("counts where the program itself can't be started", () => {
    const missing = ended(128, "StartError", 3, 'exec: "python": executable file not found in $PATH');
    const verdict = judged(attemptOf(failedJob(1), [pod({ phase: "Failed", main: missing })]));
    expect(verdict.retry).toBeUndefined();
  });

  test("is free once where the infrastructure took the pod, and counted after that", () => {
    expect(judged(attemptOf(failedJob(1), [evicted()]))).toMatchObject({ retry: { attempt: 2, free: 1 } });
    const twice = [
      attemptOf(failedJob(1), [evicted()]),
      attemptOf(failedJob(2, retries(0, undefined, 1)), [evicted(2)]),
    ];
    expect(judged(twice)).toMatchObject({ attempt: 2, verdict: { state: "failed", failure: { category: "Evicted" } } });
    const counted = [
      attemptOf(failedJob(1, retries(1)), [evicted()]),
      attemptOf(failedJob(2, retries(1, undefined, 1)), [exited(3, 2)]),
    ];
    expect(judged(counted)).toMatchObject({ retry: { attempt: 3, free: 1 } });
  });

  test.each([
    [
      "a configuration that is wrong",
      job({
        annotations: {
          ...retries(3),
          [ANNOTATIONS.ending]: JSON.stringify({ state: "failed", at: CREATED, category: "ConfigError", proof: "x" }),
        },
        conditions: FAILED,
      }),
    ],
    [
      "a start that came too late",
      job({ annotations: { ...retries(3), [ANNOTATIONS.notStarted]: "StartTimeout" }, conditions: FAILED }),
    ],
  ])("doesn't follow %s", (_what, theJob) => {
    expect(judged(attemptOf(theJob)).verdict.state).toBe("failed");
  });

  test("doesn't follow a Job that was deleted", () => {
    const facts = attemptOf(job({ annotations: retries(3) }), [gone(pod({ main: running() }), 12)], [], 10);
    expect(judged(facts).verdict).toMatchObject({ state: "failed", failure: { category: "JobDeleted" } });
  });

  test("doesn't follow when the run is stopped while it waits", () => {
    const annotations = { ...retries(3, 300), [ANNOTATIONS.stopRequestedAt]: String(CREATED + 30_000) };
    const { attempt, verdict } = judged(attemptOf(failedJob(1, annotations), [exited(3)]), 40);
    // The second one was told of: only its end is news.
    expect(attempt).toBe(2);
    expect(verdict).toMatchObject({ state: "stopped" });
    expect(verdict).not.toHaveProperty("failure");
  });

  test("replaces the failed one by its own end", () => {
    const attempts = [
      attemptOf(failedJob(1, retries(1)), [exited(3)]),
      attemptOf(job({ attempt: 2, annotations: retries(1) }), [
        pod({ attempt: 2, phase: "Succeeded", main: ended(0) }),
      ]),
    ];
    expect(judged(attempts)).toMatchObject({ attempt: 2, verdict: { state: "success", exitCode: 0 } });
  });

  test("waits for the pod of a lost node, and in the end the run fails for good", () => {
    const ending = { state: "failed", at: CREATED + 75_000, category: "NodeLost", proof: "x" };
    const theJob = job({ annotations: { [ANNOTATIONS.ending]: JSON.stringify(ending) } });
    const facts = attemptOf(theJob, [pod({ main: running(), deletedAt: 76 })]);
    expect(judged(facts, 80).verdict).toMatchObject({
      state: "queued",
      waiting: expect.stringContaining("attempt 2 when the pod of attempt 1 is gone, because attempt 1: NodeLost"),
    });
    expect(judged(facts, 80)).not.toHaveProperty("retry");
    expect(judged(facts, 700)).toMatchObject({
      attempt: 2,
      verdict: { state: "failed", failure: { category: "NodeLost" } },
    });
  });

  test("isn't needed when the program on a lost node turns out to have succeeded, and the run ends as the attempt that was told of", () => {
    const ending = JSON.stringify({ state: "failed", at: CREATED + 75_000, category: "NodeLost", proof: "x" });
    const late = [holds("Failed", "DeadlineExceeded", "Job was active longer than specified deadline", 90)];
    const theJob = job({ annotations: { [ANNOTATIONS.ending]: ending }, conditions: late });
    const succeeded = pod({ phase: "Succeeded", main: ended(0) });
    expect(judged(attemptOf(theJob, [succeeded]), 100)).toMatchObject({
      attempt: 2,
      verdict: {
        state: "success",
        exitCode: 0,
        proof: expect.stringMatching(/exit code 0.*attempt 1 had been given up \(NodeLost\), and no other was made/),
      },
    });
    const noMore = job({
      annotations: { ...retries(0, undefined, 1), [ANNOTATIONS.ending]: ending },
      conditions: late,
    });
    expect(judged(attemptOf(noMore, [succeeded]), 100)).toMatchObject({ attempt: 1, verdict: { state: "success" } });
  });

  test("that was told of keeps the end, also before the watch shows on the Job that the earlier one was given up", () => {
    const succeeded = attemptOf(job({}), [pod({ phase: "Succeeded", main: ended(0) })]);
    expect(judged(succeeded, 100, 300_000, 2)).toMatchObject({
      attempt: 2,
      verdict: { state: "success", exitCode: 0 },
    });
    const failed = attemptOf(failedJob(1), [exited(3)]);
    expect(judged(failed, 100, 300_000, 2)).toMatchObject({ attempt: 2, verdict: { state: "failed", exitCode: 3 } });
    const live = attemptOf(job({}), [pod({ main: running() })]);
    expect(judged(live, 100, 300_000, 2)).toMatchObject({ attempt: 1, verdict: { state: "running" } });
  });
});
