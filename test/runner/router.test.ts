import { expect, test } from "vitest";
import { CodedError } from "../../src/base/errors.ts";
import { KeyedQueue } from "../../src/base/keyed-queue.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Operation } from "../../src/connection/runner-side.ts";
import type { Executor } from "../../src/executor/executor.ts";
import { KUBERNETES_EXECUTOR_ERRORS } from "../../src/executor/pods/errors.ts";
import { openPipelineFiles } from "../../src/pipelines/pipeline-files.ts";
import { Pipelines } from "../../src/pipelines/pipelines.ts";
import { openPolicy, type Policy, type PolicyQuestion } from "../../src/policy/policy.ts";
import { CATALOGUE } from "../../src/protocol/catalogue.ts";
import { OPERATIONS, type RouterSurroundings, route } from "../../src/runner/router.ts";
import { runnerSide } from "../../src/runner/runner-side.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { goodFrames } from "../protocol/golden-frames.ts";
import { type OpenRuns, openRuns, order, PIPELINE } from "../runs/open-runs.ts";

interface Kit extends OpenRuns {
  readonly surroundings: RouterSurroundings;
  readonly pipelines: Pipelines;
}

async function openKit(policy: Policy = openPolicy): Promise<Kit> {
  const pipelines = await Pipelines.open(await openPipelineFiles(await temporaryDirectory(), silentLog));
  const kit = await openRuns({ pipelines });
  return {
    ...kit,
    pipelines,
    surroundings: {
      turns: new KeyedQueue(),
      log: silentLog,
      policy,
      pipelines,
      runs: kit.runs,
      schedules: { set: async () => undefined, remove: async () => undefined, dropWaiting: async () => undefined },
      executor: kit.executor,
    },
  };
}

function operation<T extends Operation["type"]>(type: T, body: unknown): Operation {
  return { type, epoch: 1, body: { operationId: crypto.randomUUID(), ...(body as object) } } as Operation;
}

const deploy = (generation = 2): Operation => operation("pipeline.deploy", { pipeline: { ...PIPELINE, generation } });

test("deploy, run, status, log, stop and delete do what they say", async () => {
  const { surroundings, states, pipelines } = await openKit();
  const ask = (type: Operation["type"], body: unknown) => route(operation(type, body), 0, surroundings);
  expect(await route(deploy(), 0, surroundings)).toEqual({ outcome: "accepted" });
  const { operationId: _, ...wish } = order();
  expect(await ask("run.start", wish)).toMatchObject({ outcome: "accepted" });
  await eventually(() => expect(states(wish.runId)).toContain("running"));
  expect(await ask("run.status", { runId: wish.runId })).toMatchObject({
    outcome: "answered",
    answer: { run: { state: "running" } },
  });
  expect(await ask("run.stop", { runId: wish.runId })).toEqual({ outcome: "accepted" });
  await eventually(() => expect(states(wish.runId)).toContain("stopped"));
  expect(await ask("run.stop", { runId: crypto.randomUUID() })).toEqual({
    outcome: "answered",
    answer: { kind: "runStatus", run: null },
  });
  expect(await ask("pipeline.delete", { pipelineId: PIPELINE.pipelineId, generation: 2 })).toEqual({
    outcome: "accepted",
  });
  expect(pipelines.keys()).toEqual([]);
});

test("while the runner can't see its runs, what depends on them is refused with the reason, and the rest is done", async () => {
  const { surroundings, pipelines } = await openKit();
  let unknown: string | undefined = "no right to list jobs";
  const blind: RouterSurroundings = { ...surroundings, unknownRuns: () => unknown };
  const ask = (type: Operation["type"], body: unknown) => route(operation(type, body), 0, blind);
  expect(await route(deploy(), 0, blind)).toEqual({ outcome: "accepted" });
  expect(await ask("service.status", {})).toMatchObject({ outcome: "answered" });
  const { operationId: _, ...wish } = order();
  const { runId } = wish;
  const { pipelineId } = PIPELINE;
  const refused = { outcome: "refused", reason: "storage", message: expect.stringContaining("no right to list jobs") };
  expect(await ask("run.start", wish)).toMatchObject(refused);
  expect(await ask("run.stop", { runId })).toMatchObject(refused);
  expect(await ask("run.status", { runId })).toMatchObject(refused);
  expect(await ask("pipeline.stop", { pipelineId })).toMatchObject(refused);
  expect(await ask("pipeline.delete", { pipelineId, generation: 2 })).toMatchObject(refused);
  const tombstones = [{ pipelineId, generation: 2 }];
  expect(await runnerSide(blind).compare({ pipelines: [], tombstones })).toMatchObject({ deleted: 0 });
  expect(pipelines.keys()).toHaveLength(1);
  unknown = undefined;
  expect(await ask("run.start", wish)).toMatchObject({ outcome: "accepted" });
  expect(await runnerSide(blind).compare({ pipelines: [], tombstones })).toMatchObject({ deleted: 1 });
});

test("every operation of the catalogue is announced and carried out", async () => {
  const { surroundings } = await openKit();
  const all = Object.entries(CATALOGUE).filter(([, entry]) => entry.kind === "operation");
  for (const [type] of all) {
    const golden = (await goodFrames()).find((frame) => frame.frame.type === type);
    if (golden === undefined) throw new Error(`no golden frame of ${type}`);
    const verdict = await route(golden.frame as unknown as Operation, 0, surroundings);
    expect([type, verdict.outcome === "unsupported"]).toEqual([type, false]);
  }
  expect([...OPERATIONS].sort()).toEqual(all.map(([type]) => type).sort());
});

test("the policy is asked once for every operation and its no leaves nothing behind", async () => {
  const questions: PolicyQuestion[] = [];
  const strict: Policy = {
    check(question) {
      questions.push(question);
      return { allowed: false, reason: "Cannot do it: the owner forbids it" };
    },
  };
  const { surroundings, pipelines } = await openKit(strict);
  expect(await route(deploy(), 0, surroundings)).toMatchObject({
    outcome: "refused",
    reason: "policy",
    message: expect.stringContaining("forbids"),
  });
  expect(pipelines.keys()).toEqual([]);
  expect(questions).toEqual([
    { operation: "pipeline.deploy", pipelineId: PIPELINE.pipelineId, pipelineType: "metadata" },
  ]);
});

test("a delete stops the pipeline's runs first, and a redeploy that comes meanwhile stays", async () => {
  const { surroundings, pipelines, states } = await openKit();
  await route(deploy(2), 0, surroundings);
  const wish = order();
  await route(operation("run.start", wish), 0, surroundings);
  await eventually(() => expect(states(wish.runId)).toContain("running"));
  const buried = route(
    operation("pipeline.delete", { pipelineId: PIPELINE.pipelineId, generation: 2 }),
    0,
    surroundings,
  );
  const deployed = route(deploy(3), 0, surroundings);
  expect(await Promise.all([buried, deployed])).toEqual([{ outcome: "accepted" }, { outcome: "accepted" }]);
  expect(pipelines.keys().map((key) => key.generation)).toEqual([3]);
  await eventually(() => expect(states(wish.runId).at(-1)).toBe("stopped"));
});

test.each([
  [{ cron: "0 25 * * *", timeZone: "UTC" }, 'cron\'s field 2 (hour) has "25"'],
  [{ cron: "@daily", timeZone: "Europe/Atlantis" }, 'timeZone is "Europe/Atlantis"'],
])(
  "a deploy with the schedule %j is refused as badConfig with the field's name and stores nothing",
  async (schedule, words) => {
    const { surroundings, pipelines } = await openKit();
    const wish = operation("pipeline.deploy", { pipeline: { ...PIPELINE, schedule } });
    expect(await route(wish, 0, surroundings)).toMatchObject({
      outcome: "refused",
      reason: "badConfig",
      message: expect.stringContaining(words),
    });
    expect(pipelines.keys()).toEqual([]);
  },
);

test("the schedule follows deploy, stop and delete, and an older generation that comes late changes nothing", async () => {
  const kit = await openKit();
  const told: unknown[] = [];
  const schedules: RouterSurroundings["schedules"] = {
    set: async ({ generation, enabled, schedule }) => void told.push([generation, enabled, schedule?.cron]),
    remove: async (pipelineId) => void told.push(["removed", pipelineId === PIPELINE.pipelineId]),
    dropWaiting: async (pipelineId) => void told.push(["dropped", pipelineId === PIPELINE.pipelineId]),
  };
  const surroundings = { ...kit.surroundings, schedules };
  const ask = (type: Operation["type"], body: unknown) => route(operation(type, body), 0, surroundings);
  const schedule = { cron: "@daily", timeZone: "UTC" };
  const { pipelineId } = PIPELINE;
  await ask("pipeline.deploy", { pipeline: { ...PIPELINE, generation: 2, schedule } });
  await ask("pipeline.deploy", { pipeline: { ...PIPELINE, generation: 3, schedule, enabled: false } });
  await ask("pipeline.deploy", { pipeline: { ...PIPELINE, generation: 1 } });
  await ask("pipeline.stop", { pipelineId });
  await ask("pipeline.delete", { pipelineId, generation: 2 });
  await ask("pipeline.delete", { pipelineId, generation: 3 });
  expect(told).toEqual([
    [2, true, "@daily"],
    [3, false, "@daily"],
    [3, false, "@daily"],
    ["dropped", true],
    ["removed", true],
  ]);
});

test("a storage failure is a verdict, not a crash", async () => {
  const kit = await openKit();
  const failing = Object.assign(Object.create(kit.pipelines) as Pipelines, {
    deploy: () => Promise.reject(new Error("disk full")),
  });
  expect(await route(deploy(), 0, { ...kit.surroundings, pipelines: failing })).toMatchObject({
    outcome: "refused",
    reason: "storage",
    message: "disk full",
  });
});

test("a deployment that the executor will not have as it is set up is refused as badConfig, with its advice", async () => {
  const kit = await openKit();
  const kind = KUBERNETES_EXECUTOR_ERRORS.ImageVersionDiffers;
  const refusing = Object.assign(Object.create(kit.pipelines) as Pipelines, {
    deploy: () => Promise.reject(new CodedError(kind, "Cannot deploy the schedule")),
  });
  expect(await route(deploy(), 0, { ...kit.surroundings, pipelines: refusing })).toEqual({
    outcome: "refused",
    reason: "badConfig",
    message: "Cannot deploy the schedule",
    advice: kind.advice,
  });
});

test("a check that has more to tell than a frame may hold is cut", async () => {
  const kit = await openKit();
  const wordy = Object.assign(Object.create(kit.executor) as Executor, {
    check: async () => ({ healthy: false, message: "x".repeat(5000) }),
  });
  const verdict = await route(operation("service.status", {}), 0, { ...kit.surroundings, executor: wordy });
  expect(verdict).toEqual({
    outcome: "answered",
    answer: { kind: "serviceStatus", healthy: false, message: `${"x".repeat(1999)}…` },
  });
});

test("compare acts on tombstones, names what to fetch and leaves orphans alone", async () => {
  const { surroundings, pipelines } = await openKit();
  const [gone, orphan, missing] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
  for (const pipelineId of [gone, orphan]) await pipelines.deploy({ ...PIPELINE, pipelineId });
  const difference = await runnerSide(surroundings).compare({
    pipelines: [{ pipelineId: missing, generation: 1, hash: "h" }],
    tombstones: [{ pipelineId: gone, generation: 2 }],
  });
  expect(difference).toEqual({
    fetch: [missing],
    deleted: 1,
    orphans: [{ pipelineId: orphan, generation: 2, hash: "h" }],
  });
  expect(pipelines.keys().map((key) => key.pipelineId)).toEqual([orphan]);
});
