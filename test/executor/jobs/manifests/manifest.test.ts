import { describe, expect, test } from "vitest";
import {
  anchorObject,
  anchorReference,
  type Manifest,
  retryJob,
  runConfig,
  runJob,
  scheduleCronJob,
} from "../../../../src/executor/jobs/manifests/manifest.ts";
import { ANNOTATIONS } from "../../../../src/executor/pods/labels.ts";
import type { CronJob, Job } from "../../../../src/kubernetes/objects.ts";
import { FULL_PODS, manifest, PIPELINE, PLAIN_PODS, RUN } from "./samples.ts";

function cronJob(m: Manifest, change: Partial<typeof PIPELINE> = {}): CronJob {
  return scheduleCronJob(m, { ...PIPELINE, ...change }, anchorReference(anchorObject(m)));
}

function hash(m: Manifest, change?: Partial<typeof PIPELINE>): string | undefined {
  return cronJob(m, change).metadata.annotations?.[ANNOTATIONS.manifestHash];
}

describe("the manifest hash of a schedule", () => {
  test("is the same for the same pipeline and settings, whatever the order of their keys", () => {
    const turned = Object.fromEntries(Object.entries(FULL_PODS).reverse()) as unknown as typeof FULL_PODS;
    expect(hash(manifest({ pods: FULL_PODS }))).toBe(hash(manifest({ pods: turned })));
  });

  test.each<[string, Manifest, Partial<typeof PIPELINE>]>([
    ["another wrapper image, as a new version of the runner has", manifest({ wrapperImage: "a/w:2" }), {}],
    ["another value of an extra variable", manifest({ pods: { ...PLAIN_PODS, extraEnvironment: { A: "2" } } }), {}],
    ["another resource", manifest({ pods: { ...PLAIN_PODS, priorityClassName: "p" } }), {}],
    ["a ConfigMap in place of the Secret", manifest({}, { configIn: "configMap" }), {}],
    ["another delivery", manifest({}, { delivery: "imageVolume" }), {}],
    ["another configuration", manifest(), { config: {}, hash: "b".repeat(64) }],
    ["another time zone", manifest(), { schedule: { cron: "30 2 * * 0", timeZone: "UTC" } }],
    ["being switched off", manifest(), { enabled: false }],
  ])("changes with %s", (_what, m, change) => {
    const base = manifest({ pods: { ...PLAIN_PODS, extraEnvironment: {} } });
    expect(hash(m, change)).not.toBe(hash(base));
    expect(hash(m, change)).toMatch(/^[0-9a-f]{64}$/);
  });
});

test("scheduleCronJob writes the schedule as Kubernetes reads it", () => {
  const written = (cron: string): string => cronJob(manifest(), { schedule: { cron, timeZone: "UTC" } }).spec.schedule;
  expect(written("@daily")).toBe("0 0 * * *");
  expect(written("0 6 * * fri-sun")).toBe("0 6 * * 0,5,6");
  expect(() => written("every day")).toThrow(RangeError);
});

test("retries and the pause before them stand on the Job for the runner that comes after a restart", () => {
  const { metadata } = runJob(manifest(), { ...RUN, retries: 3, retryDelaySeconds: 90 });
  expect(metadata.annotations).toMatchObject({
    "hybrid-runner/retries": "3",
    "hybrid-runner/retry-delay-seconds": "90",
  });
});

test("another attempt has the pipeline's time limit, not the second that the Job before was ended with", () => {
  const endOf = (job: Job): Job => ({ ...job, spec: { ...job.spec, parallelism: 0, activeDeadlineSeconds: 1 } });
  const second = retryJob(endOf(runJob(manifest(), { ...RUN, timeoutSeconds: 60 })), RUN.runId, 2);
  expect(second.spec).toMatchObject({ activeDeadlineSeconds: 60, parallelism: 1 });
  expect(retryJob(endOf(second), RUN.runId, 3).spec.activeDeadlineSeconds).toBe(60);
  const unlimited = retryJob(endOf(runJob(manifest(), RUN)), RUN.runId, 2);
  expect(unlimited.spec).not.toHaveProperty("activeDeadlineSeconds");
});

test("an extra variable named as the configuration can't take its place", () => {
  const m = manifest({ pods: { ...PLAIN_PODS, extraEnvironment: { config: "mine", pipelineType: "mine" } } });
  const job = runJob(m, RUN);
  expect(runConfig(m, RUN, job)).toMatchObject({ stringData: { config: JSON.stringify(RUN.config) } });
  expect(job.spec.template.spec.containers[0]?.env).toContainEqual({ name: "pipelineType", value: "metadata" });
});

test("ids that are no label values still make labels, and each their own", () => {
  const labels = (pipelineId: string): Readonly<Record<string, string>> =>
    runJob(manifest({ runnerId: `r${"x".repeat(127)}` }), { ...RUN, pipelineId }).metadata.labels ?? {};
  const [one, two] = [labels(`${"long ".repeat(30)}1`), labels(`${"long ".repeat(30)}2`)];
  for (const value of [...Object.values(one), ...Object.values(two)])
    expect(value).toMatch(/^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/);
  expect(one["hybrid-runner/pipeline-id"]).not.toBe(two["hybrid-runner/pipeline-id"]);
});
