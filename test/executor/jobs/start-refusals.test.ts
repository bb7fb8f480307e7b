import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { CodedError } from "../../../src/base/errors.ts";
import { createLog } from "../../../src/base/log.ts";
import { JOBS, SECRETS } from "../../../src/kubernetes/objects.ts";
import type { FailureCategory, RefusalReason } from "../../../src/protocol/messages.ts";
import { refusedFor } from "../../../src/runs/verdict.ts";
import { eventually } from "../../fakes/eventually.ts";
import type { FaultMatch } from "../../fakes/kubernetes/faults.ts";
import { openRuns, order } from "../../runs/open-runs.ts";
import { endOf, specOf } from "../executor.contract.ts";
import { createKubernetesWorld, type KubernetesWorld, NAMESPACE, podSettings } from "./kubernetes-world.ts";

const LIMITS = { timeout: 300_000 };
const RIGHT = /Give the runner's identity|Add to the runner's Role/;

async function thrownBy(work: Promise<unknown>): Promise<CodedError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CodedError)) throw new Error(`no coded error: ${String(error)}`);
  return error;
}

const QUOTA =
  'jobs.batch "hr-x" is forbidden: exceeded quota: small, requested: count/jobs.batch=1, used: count/jobs.batch=0, limited: count/jobs.batch=0';
const GOING =
  'jobs.batch "hr-x" is forbidden: unable to create new content in namespace ingestion because it is being terminated';
const POLICY =
  "jobs.batch \"hr-x\" is forbidden: ValidatingAdmissionPolicy 'no-jobs' with binding 'all' denied request: not today";
const WEBHOOK = 'admission webhook "gate.example.com" denied the request: no';
const SILENT =
  'Internal error occurred: failed calling webhook "gate.example.com": failed to call webhook: Post "https://gate.example.com/?timeout=1s": context deadline exceeded';

describe("an API server that doesn't take what a run is made of", () => {
  test.each<[string, FaultMatch["resource"], number, string, string, FailureCategory, RefusalReason]>([
    ["a quota of Jobs", "jobs", 403, "Forbidden", QUOTA, "Quota", "storage"],
    [
      "a quota of Secrets",
      "secrets",
      403,
      "Forbidden",
      'secrets "hr-x" is forbidden: exceeded quota: small',
      "Quota",
      "storage",
    ],
    ["a namespace that goes", "jobs", 403, "Forbidden", GOING, "Admission", "storage"],
    ["a policy", "jobs", 422, "Invalid", POLICY, "Admission", "storage"],
    ["a policy on Secrets", "secrets", 422, "Invalid", POLICY.replace("jobs.batch", "secrets"), "Admission", "storage"],
    ["a policy whose reason is Unauthorized", "jobs", 401, "Unauthorized", POLICY, "Admission", "storage"],
    [
      "a policy whose reason is the size",
      "secrets",
      413,
      "RequestEntityTooLarge",
      POLICY.replace("jobs.batch", "secrets"),
      "Admission",
      "storage",
    ],
    ["a webhook", "jobs", 403, "Forbidden", WEBHOOK, "Admission", "storage"],
    ["a webhook that answers 400", "jobs", 400, "BadRequest", WEBHOOK, "Admission", "storage"],
    [
      "a rule in words of its own",
      "jobs",
      403,
      "Forbidden",
      'jobs.batch "hr-x" is forbidden: the stars say no',
      "Admission",
      "storage",
    ],
    [
      "a namespace that isn't there",
      "jobs",
      404,
      "NotFound",
      'namespaces "ingestion" not found',
      "ConfigError",
      "storage",
    ],
    [
      "what is invalid for ever",
      "jobs",
      422,
      "Invalid",
      'Job.batch "hr-x" is invalid: spec.template.spec.priorityClassName: Invalid value',
      "ConfigError",
      "badConfig",
    ],
  ])(
    "is told as a category with the server's words: %s",
    LIMITS,
    async (_what, resource, status, reason, message, category, refusal) => {
      const world = await createKubernetesWorld();
      const executor = await world.open();
      const takeBack = world.cluster.fault({
        match: { verb: "create", ...(resource === undefined ? {} : { resource }) },
        status,
        reason,
        message,
      });
      const spec = specOf([]);
      const error = await thrownBy(executor.start(spec));
      const told = refusedFor(error);
      expect(told).toMatchObject({
        outcome: "refused",
        reason: refusal,
        category,
        message: expect.stringContaining(message),
      });
      expect("advice" in told && told.advice).not.toMatch(RIGHT);
      // Once: it is the longest of what there is to tell.
      expect("message" in told && told.message.split(message)).toHaveLength(2);
      if (message === QUOTA)
        expect(told).toMatchObject({ advice: expect.stringContaining("objects that the quota counts") });
      takeBack();
      expect(world.cluster.objects(SECRETS, NAMESPACE)).toEqual([]);
      // What was refused for a while only is made when it is offered again.
      if (refusal === "badConfig") return;
      expect(await executor.start(spec)).toBe("started");
      expect(await endOf(executor, spec.runId)).toMatchObject({ state: "success" });
    },
  );

  // Without the limit of this test it would be told when the call's own limit is over, 30 s.
  test("names a webhook that doesn't answer, long before an API server that is away is given up", {
    timeout: 20_000,
  }, async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    world.cluster.fault({
      match: { verb: "create", resource: "jobs" },
      status: 500,
      reason: "InternalError",
      message: SILENT,
    });
    const told = refusedFor(await thrownBy(executor.start(specOf([]))));
    expect(told).toMatchObject({
      category: "Admission",
      message: expect.stringContaining('webhook "gate.example.com"'),
    });
  });

  test("is a missing right only where it says so", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    const message =
      'jobs.batch is forbidden: User "system:serviceaccount:a:b" cannot create resource "jobs" in API group "batch" in the namespace "ingestion"';
    world.cluster.fault({ match: { verb: "create", resource: "jobs" }, status: 403, reason: "Forbidden", message });
    const told = refusedFor(await thrownBy(executor.start(specOf([]))));
    expect(told).toMatchObject({
      reason: "storage",
      category: "ConfigError",
      message: expect.stringContaining("no right to create jobs"),
      advice: expect.stringContaining("Role"),
    });
  });
});

describe("what the cluster refuses to do for a run that waits is told as what it waits for, until it does it", () => {
  test("its next attempt", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    const spec = specOf([{ exit: 3 }], { retries: 1, retryDelaySeconds: 1 });
    await executor.start(spec);
    const takeBack = refuse(world, "create", QUOTA);
    for await (const { state, attempt, waiting } of executor.observe(spec.runId, AbortSignal.timeout(60_000))) {
      if (waiting?.includes(QUOTA) !== true) continue;
      expect({ state, attempt }).toEqual({ state: "queued", attempt: 2 });
      expect(waiting).toContain(`Cannot make attempt 2 of run ${spec.runId}: Quota: `);
      break;
    }
    takeBack();
    const waits: (string | undefined)[] = [];
    for await (const report of executor.observe(spec.runId, AbortSignal.timeout(60_000))) {
      waits.push(report.waiting);
      if (report.state === "failed") expect(report).toMatchObject({ attempt: 2, exitCode: 3 });
    }
    expect(waits.slice(1).join()).not.toContain(QUOTA);
  });

  test("its stop, as often as it is asked for, and the log says so", LIMITS, async () => {
    const world = await createKubernetesWorld();
    world.cluster.node.refuse("not yet");
    const executor = await world.open();
    const lines: string[] = [];
    const write = (line: string): void => void lines.push(line);
    const log = createLog({ clock: systemClock, level: "warn", format: "text", write });
    const { runs, states } = await openRuns({ executor: () => executor, log });
    const wish = order();
    expect(await runs.start(wish, 0)).toMatchObject({ outcome: "accepted" });
    const takeBack = refuse(world, "patch", WEBHOOK);
    const waiting = expect.stringMatching(/^Cannot stop run .*: Admission: .*gate\.example\.com/);
    for (let tries = 1; tries <= 2; tries++) {
      expect(await runs.stop(wish.runId)).toMatchObject({ outcome: "refused", message: waiting });
      expect(lines.filter((line) => line.includes("Run can't be stopped for now"))).toHaveLength(tries);
      await eventually(() => expect(runs.table.get(wish.runId)).toMatchObject({ state: "queued", waiting }), 10_000);
    }
    takeBack();
    expect(await runs.stop(wish.runId)).toMatchObject({ outcome: "accepted" });
    await eventually(() => expect(states(wish.runId).at(-1)).toBe("stopped"), 20_000);
  });

  test("the end of a pod that can't start", LIMITS, async () => {
    const world = await createKubernetesWorld();
    world.cluster.node.refuse("no node");
    const executor = await world.open({ startTimeoutMs: 1000 });
    const spec = specOf([]);
    await executor.start(spec);
    const takeBack = refuse(world, "patch", WEBHOOK);
    const waiting = expect.stringMatching(/^Cannot end the pods of Job .*: Admission: .*gate\.example\.com/);
    await eventually(() => expect(executor.list()).resolves.toMatchObject([{ state: "queued", waiting }]), 30_000);
    takeBack();
    expect(await endOf(executor, spec.runId)).toMatchObject({
      state: "failed",
      failure: { category: "Unschedulable" },
    });
  });
});

/** The API server refuses this to Jobs from now on, until the answer is called. */
function refuse(world: KubernetesWorld, verb: string, message: string): () => void {
  return world.cluster.fault({ match: { verb, resource: "jobs" }, status: 403, reason: "Forbidden", message });
}

test(
  "a run whose Job was made though nobody was told gets its configuration when it is offered again",
  LIMITS,
  async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open({}, { callMs: 1000 });
    await executor.list();
    const spec = specOf([]);
    // The API server does it, and whoever asked has given up.
    const takeBack = world.cluster.fault({ match: { verb: "create", resource: "jobs" }, cut: "after", times: 1 });
    const hang = world.cluster.fault({
      match: { verb: "create", resource: "jobs" },
      status: 500,
      reason: "InternalError",
      message: "etcdserver: request timed out",
    });
    await thrownBy(executor.start(spec));
    takeBack();
    hang();
    expect(world.cluster.objects(JOBS, NAMESPACE)).toHaveLength(1);
    expect(world.cluster.objects(SECRETS, NAMESPACE)).toHaveLength(0);
    expect(await executor.start(spec)).toBe("started");
    expect(await endOf(executor, spec.runId)).toMatchObject({ state: "success" });
  },
);

test(
  "a configuration that doesn't fit into a variable is refused in the mode native before anything is made",
  LIMITS,
  async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open({ secretsMode: "native" });
    const config = { source: { type: "x".repeat(200_000) } };
    const told = refusedFor(await thrownBy(executor.start(specOf([], { config }))));
    expect(told).toMatchObject({ reason: "badConfig", advice: expect.stringContaining("{config}") });
    expect(world.cluster.requests.writes()).toEqual([]);
    // In the other mode it is a file.
    const other = await world.open({ runnerId: "other", dataDirectory: `${world.directory}/other` });
    expect(await other.start(specOf([], { config }))).toBe("started");
  },
);

test("so is an extra variable that is too long, in both modes", LIMITS, async () => {
  const world = await createKubernetesWorld();
  const executor = await world.open({ pods: podSettings({ extraEnvironment: { LONG: "x".repeat(140_000) } }) });
  expect(refusedFor(await thrownBy(executor.start(specOf([]))))).toMatchObject({
    reason: "badConfig",
    message: expect.stringContaining("LONG"),
  });
  expect(world.cluster.requests.writes()).toEqual([]);
});

test.each(["32Mi", "63Mi", "16777216", "50M"])(
  "so is a memory limit in which the wrapper couldn't live: %s",
  LIMITS,
  async (memory) => {
    const world = await createKubernetesWorld();
    const resources = { pipeline: { limits: { memory } }, automation: {} };
    const executor = await world.open({ pods: podSettings({ resources }) });
    const told = refusedFor(await thrownBy(executor.start(specOf([]))));
    expect(told).toMatchObject({
      reason: "badConfig",
      message: expect.stringContaining(`memory limit ${memory} of container main`),
    });
    expect(world.cluster.requests.writes()).toEqual([]);
    // Nothing of ours is in the pod in the other mode.
    const native = await world.open({
      secretsMode: "native",
      runnerId: "n",
      dataDirectory: `${world.directory}/n`,
      pods: podSettings({ resources }),
    });
    expect(await native.start(specOf([]))).toBe("started");
  },
);

test(
  "rights that are taken away are told by the check and in refusals at once, and so is their return",
  LIMITS,
  async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    expect(await executor.check()).toMatchObject({ healthy: true });
    world.cluster.allow([{ verb: "create", resource: "selfsubjectaccessreviews" }]);
    const told = refusedFor(await thrownBy(executor.start(specOf([]))));
    expect(told).toMatchObject({ reason: "storage", message: expect.stringContaining("no right to create jobs") });
    await eventually(async () => {
      expect(await executor.check()).toMatchObject({ healthy: false, message: expect.stringContaining("no right to") });
    }, 15_000);
    world.cluster.allow("everything");
    await eventually(async () => expect(await executor.check()).toMatchObject({ healthy: true }), 50_000);
  },
);
