import { describe, expect, test } from "vitest";
import { podsSinceResume, wantedDeadline } from "../../../../src/executor/jobs/judge/suspension.ts";
import { ANNOTATIONS } from "../../../../src/executor/pods/labels.ts";
import { JOBS, type Job, type Pod } from "../../../../src/kubernetes/objects.ts";
import { eventually } from "../../../fakes/eventually.ts";
import { endOf, follow, specOf, wholeLog } from "../../executor.contract.ts";
import { createKubernetesWorld, type KubernetesWorld, NAMESPACE } from "../kubernetes-world.ts";
import { at, attemptOf, CREATED, ended, event, gone, holds, job, judged, pod, running } from "./facts-of-runs.ts";

const LIMITS = { timeout: 300_000 };
const suspended = (more: object = {}): Job =>
  job({ suspend: true, conditions: [holds("Suspended", "JobSuspended", "Job suspended")], ...more });
const resumed = (seconds: number): Job => {
  const condition = { ...holds("Suspended", "JobResumed", "Job resumed", seconds), status: "False" as const };
  return job({ suspend: false, conditions: [condition], startTime: at(seconds) });
};
const asPending = pod({ phase: "Pending" });
const named = (thePod: Pod, name: string): Pod => ({ ...thePod, metadata: { ...thePod.metadata, name } });

describe("the verdict on a run whose Job is suspended", () => {
  test("waits without a limit and says for what, by Kueue too", () => {
    const { verdict } = judged(attemptOf(suspended()), 100_000);
    expect(verdict).toEqual({ state: "queued", waiting: expect.stringMatching(/^Suspended: Job hr-/) });
    const words = "Preempted to accommodate a workload of higher priority";
    const queued = attemptOf(suspended({ queue: "team-a" }), [], [event("Job", "Stopped", words)]);
    expect(judged(queued).verdict).toMatchObject({
      waiting: expect.stringMatching(/by Kueue, queue team-a: Preempted/),
    });
  });

  test("has its time to start anew when it is resumed", () => {
    expect(judged(attemptOf(resumed(1000)), 1100).verdict).toMatchObject({ state: "queued" });
    expect(judged(attemptOf(resumed(1000)), 1100)).not.toHaveProperty("end");
    expect(judged(attemptOf(resumed(1000)), 1301).end).toMatchObject({
      failure: { category: "StartTimeout", detail: expect.stringContaining("waited 301 s") },
    });
  });

  test("has its time limit anew when it is resumed, and none before, unless it is being ended", () => {
    const limit = { annotations: { [ANNOTATIONS.timeoutSeconds]: "60" } };
    const wanted = (theJob: Job): number | null | undefined => wantedDeadline(attemptOf(theJob));
    const suspendedFrom = (more: object): Job => suspended({ startTime: at(2), ...more });
    expect(wanted(suspendedFrom({ ...limit, timeoutSeconds: 60 }))).toBeNull();
    expect(wanted(suspendedFrom(limit))).toBeUndefined();
    expect(wanted(suspended({ ...limit, timeoutSeconds: 60 }))).toBeUndefined();
    expect(wanted(suspendedFrom({ timeoutSeconds: 60 }))).toBeUndefined();
    const { conditions = [] } = resumed(100).status ?? {};
    expect(wanted(job({ ...limit, conditions, startTime: at(100) }))).toBe(60);
    expect(wanted(job({ ...limit, conditions, startTime: at(100), timeoutSeconds: 60 }))).toBeUndefined();
    // Somebody else has taken it off.
    expect(wanted(job(limit))).toBeUndefined();
    for (const name of [ANNOTATIONS.stopRequestedAt, ANNOTATIONS.ending, ANNOTATIONS.notStarted]) {
      const annotations = { ...limit.annotations, [name]: "1" };
      expect(wanted(suspendedFrom({ annotations, timeoutSeconds: 1 }))).toBeUndefined();
    }
  });

  test("is tried again where the Job failed by the time that it was suspended, whoever resumed it", () => {
    const conditions = [holds("Suspended", "JobSuspended"), holds("Failed", "DeadlineExceeded", "", 90)];
    const failedJob = job({ conditions, startTime: at(2), timeoutSeconds: 60 });
    for (const pods of [[], [gone(pod({ main: running(), deletedAt: 11 }), 12)]])
      expect(judged(attemptOf(failedJob, pods), 95).retry).toMatchObject({ attempt: 2, free: 1 });
    const inTime = resumed(100).status?.conditions ?? [];
    const tooLong = job({
      conditions: [...inTime, holds("Failed", "DeadlineExceeded", "", 160)],
      startTime: at(100),
      timeoutSeconds: 60,
    });
    const { verdict } = judged(attemptOf(tooLong, [gone(pod({ main: running(103), deletedAt: 160 }), 161)]), 165);
    expect(verdict).toMatchObject({ failure: { category: "DeadlineExceeded" } });
    expect("failure" in verdict && verdict.failure?.detail).toContain("; 3 s of it went by");
  });

  test("isn't lost with a pod that had not begun, then or when it is resumed", () => {
    for (const seconds of [13, 60]) {
      const facts = attemptOf(suspended(), [gone(asPending, 12)]);
      expect(judged(facts, seconds).verdict).toMatchObject({ waiting: expect.stringContaining("Suspended") });
    }
    expect(podsSinceResume(resumed(40), [gone(asPending, 12)])).toEqual([]);
    expect(podsSinceResume(resumed(10), [gone(asPending, 12)])).toHaveLength(1);
  });

  test("is over as an attempt when its program had begun, also where only what came after is seen", () => {
    const old = gone(named(pod({ main: running(), deletedAt: 11 }), "old"), 12);
    const young = { pod: named(pod({ main: running(30) }), "young") };
    for (const facts of [
      attemptOf(suspended(), [old]),
      attemptOf(resumed(25), [old]),
      attemptOf(resumed(25), [old, { pod: named(asPending, "young") }]),
      attemptOf(job(), [old, young]),
    ])
      expect(judged(facts, 60).suspended).toEqual([old]);
  });

  test("is running as long as its program is", () => {
    const facts = attemptOf(suspended(), [pod({ main: running(), deletedAt: 11 })]);
    expect(judged(facts, 15)).toEqual({ attempt: 1, verdict: expect.objectContaining({ state: "running" }) });
  });

  test("is what the program came to where that ended before", () => {
    const done = pod({ phase: "Succeeded", main: ended(0, "Completed", 10) });
    expect(judged(attemptOf(suspended(), [done]), 12)).toMatchObject({ verdict: { state: "success" } });
    const told = pod({ phase: "Succeeded", main: ended(0, "Completed", 12), deletedAt: 11 });
    expect(judged(attemptOf(suspended(), [told]), 13).suspended).toHaveLength(1);
  });

  test("is stopped at once, since a suspended Job never ends", () => {
    const annotations = { [ANNOTATIONS.stopRequestedAt]: String(CREATED + 20_000) };
    expect(judged(attemptOf(suspended({ annotations })), 21).verdict).toMatchObject({ state: "stopped" });
    const leaving = pod({ main: running(), deletedAt: 11 });
    expect(judged(attemptOf(suspended({ annotations }), [leaving]), 21).verdict).toMatchObject({ state: "running" });
    expect(judged(attemptOf(suspended({ annotations }), [gone(leaving, 22)]), 23).verdict).toMatchObject({
      state: "stopped",
    });
  });

  test("has as many retries as before: a suspension uses none up", () => {
    const annotations = { [ANNOTATIONS.retries]: "1", [ANNOTATIONS.suspendedPods]: "a b" };
    const failedJob = job({ annotations, conditions: [holds("Failed", "BackoffLimitExceeded")] });
    const facts = { ...attemptOf(failedJob, [pod({ phase: "Failed", main: ended(3) })]), attempt: 3 };
    expect(judged(facts, 11).retry).toMatchObject({ attempt: 4 });
    const second = job({
      attempt: 4,
      annotations: { ...annotations, [ANNOTATIONS.suspendedPods]: "c" },
      conditions: [holds("Failed", "BackoffLimitExceeded")],
    });
    const later = { ...attemptOf(second, [pod({ phase: "Failed", main: ended(3), attempt: 4 })]), attempt: 5 };
    expect(judged([facts, later], 11)).toMatchObject({ attempt: 5, verdict: { state: "failed" } });
  });
});

async function suspend(world: KubernetesWorld, runId: string, value: boolean): Promise<void> {
  const api = await world.client();
  await api.patch(JOBS, NAMESPACE, `hr-${runId}`, { spec: { suspend: value } });
}

describe("a run whose Job is suspended", () => {
  test("goes on as its next attempt in the same Job, with the log of both", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    const spec = specOf([{ say: "begun\n" }, { waitFor: `${world.directory}/go` }, { say: "ended\n" }]);
    await executor.start(spec);
    const states: string[] = [];
    for await (const { state, attempt, waiting } of executor.observe(spec.runId, AbortSignal.timeout(50_000))) {
      states.push(`${attempt} ${state} ${waiting?.slice(0, 9) ?? ""}`.trim());
      if (state === "running" && attempt === 1) {
        await eventually(async () => expect(await wholeLogSoFar(executor, spec.runId)).toContain("begun"), 30_000);
        await suspend(world, spec.runId, true);
      }
      if (waiting?.startsWith("Suspended")) {
        expect(world.pods(spec.runId)).toEqual([]);
        await suspend(world, spec.runId, false);
      }
      if (state === "running" && attempt === 2) await world.touch("go");
    }
    expect(states.filter((state) => state !== "1 queued" && state !== "2 queued")).toEqual([
      "1 running",
      "2 queued Suspended",
      "2 running",
      "2 success",
    ]);
    const lines = (await wholeLog(executor, spec.runId)).split("\n");
    expect(lines.filter((line) => line === "begun")).toHaveLength(2);
    expect(lines).toContain("ended");
    expect(world.cluster.objects(JOBS, NAMESPACE)).toHaveLength(1);
  });

  test(
    "is the same attempt for a runner that comes back, and is stopped while it is suspended; nothing stays",
    LIMITS,
    async () => {
      const world = await createKubernetesWorld();
      const first = await world.open();
      const spec = specOf([{ say: "begun\n" }, { sleep: 60_000 }]);
      await first.start(spec);
      for await (const { state, waiting } of first.observe(spec.runId, AbortSignal.timeout(30_000))) {
        if (state === "running") await suspend(world, spec.runId, true);
        if (waiting?.startsWith("Suspended")) break;
      }
      await first.close();
      const second = await world.open();
      expect(await second.list()).toMatchObject([{ runId: spec.runId, state: "queued", attempt: 2 }]);
      await second.stop(spec.runId);
      expect(await endOf(second, spec.runId)).toMatchObject({ state: "stopped", attempt: 2 });
      await second.release(spec.runId);
      await eventually(() => expect(world.cluster.objects(JOBS, NAMESPACE)).toEqual([]), 10_000);
    },
  );

  test(
    "has no deadline in the meantime and its own after it, so that the time it was suspended isn't the run's",
    LIMITS,
    async () => {
      const world = await createKubernetesWorld();
      const executor = await world.open();
      const spec = specOf([{ waitFor: `${world.directory}/go` }], { timeoutSeconds: 600 });
      const deadline = (): number | undefined => world.cluster.objects(JOBS, NAMESPACE)[0]?.spec.activeDeadlineSeconds;
      await executor.start(spec);
      expect(deadline()).toBe(600);
      await eventually(() => expect(executor.list()).resolves.toMatchObject([{ state: "running" }]), 20_000);
      await suspend(world, spec.runId, true);
      await eventually(() => expect(deadline()).toBeUndefined(), 20_000);
      await suspend(world, spec.runId, false);
      await eventually(() => expect(deadline()).toBe(600), 20_000);
      await world.touch("go");
      expect(await endOf(executor, spec.runId)).toMatchObject({ state: "success", attempt: 2 });
    },
  );

  test("and resumed too late while no runner is there has one more attempt", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const first = await world.open();
    const spec = specOf([{ waitFor: `${world.directory}/go` }], { timeoutSeconds: 600 });
    await first.start(spec);
    await eventually(() => expect(first.list()).resolves.toMatchObject([{ state: "running" }]), 20_000);
    await first.close();
    const api = await world.client();
    const jobs = (): readonly Job[] => world.cluster.objects(JOBS, NAMESPACE);
    await api.patch(JOBS, NAMESPACE, `hr-${spec.runId}`, { spec: { suspend: true, activeDeadlineSeconds: 1 } });
    await eventually(() => expect(world.pods(spec.runId)).toEqual([]), 20_000);
    // Longer than the deadline.
    await new Promise((resolve) => setTimeout(resolve, 2100));
    await suspend(world, spec.runId, false);
    await eventually(() => {
      expect(jobs()[0]?.status?.conditions).toContainEqual(expect.objectContaining({ reason: "DeadlineExceeded" }));
    }, 20_000);
    await world.touch("go");
    const second = await world.open();
    expect(await endOf(second, spec.runId)).toMatchObject({ state: "success", attempt: 2 });
    expect(jobs().map(({ spec: { activeDeadlineSeconds } }) => activeDeadlineSeconds)).toEqual([1, 600]);
  });

  test("that was made suspended, as a queue does it, begins when it is resumed", LIMITS, async () => {
    const world = await createKubernetesWorld();
    world.cluster.node.refuse("not yet");
    const executor = await world.open({ startTimeoutMs: 4000 });
    const spec = specOf([]);
    await executor.start(spec);
    await suspend(world, spec.runId, true);
    const told = follow(executor, spec.runId);
    // Longer than it may take to start.
    await new Promise((resolve) => setTimeout(resolve, 6000));
    world.cluster.node.refuse(undefined);
    await suspend(world, spec.runId, false);
    const reports = await told;
    expect(reports.at(-1)).toMatchObject({ state: "success", attempt: 1 });
    expect(reports.some(({ waiting }) => waiting?.startsWith("Suspended"))).toBe(true);
  });
});

async function wholeLogSoFar(executor: Awaited<ReturnType<KubernetesWorld["open"]>>, runId: string): Promise<string> {
  return (await executor.readLog(runId, 0, 65_536)).text;
}
