import { onTestFinished } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Executor, RunReport, RunSpec } from "../../src/executor/executor.ts";
import { createKubernetesExecutor } from "../../src/executor/jobs/kubernetes-executor.ts";
import type { KubernetesExecutorOptions, PodSettings } from "../../src/executor/pods/options.ts";
import { PLAIN_PODS } from "../executor/jobs/manifests/samples.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { kubectl } from "./cluster-tool.ts";
import { administrator } from "./runner-identity.ts";

const IMAGE = "test.local/busybox:1";

/** Options of an executor whose pods run one shell script in the mode `native`. */
export async function nativeOptions(
  namespace: string,
  script: string,
  pods: Partial<PodSettings> = {},
): Promise<KubernetesExecutorOptions> {
  const command = ["sh", "-c", script];
  return {
    api: await administrator(),
    namespace,
    runnerId: "test-runner",
    dataDirectory: await temporaryDirectory(),
    pods: {
      ...PLAIN_PODS,
      image: IMAGE,
      automountServiceAccountToken: false,
      command: { pipeline: command, automation: command, application: command },
      ...pods,
    },
    secretsMode: "native",
    secrets: { provider: "env", prefix: "NO_SECRETS_HERE_" },
    wrapperImage: IMAGE,
    wrapperDelivery: "initContainer",
    graceMs: 1000,
    ttlSecondsAfterFinished: 600,
    startTimeoutMs: 60_000,
    keepReleased: 10,
    keepReleasedDays: 1,
    clock: systemClock,
    log: silentLog,
  };
}

/** Opens an executor that is closed with the test. */
export async function openNative(
  namespace: string,
  script: string,
  pods: Partial<PodSettings> = {},
  changes: Partial<KubernetesExecutorOptions> = {},
): Promise<Executor> {
  const executor = await createKubernetesExecutor({ ...(await nativeOptions(namespace, script, pods)), ...changes });
  onTestFinished(() => executor.close());
  await executor.list();
  return executor;
}

/** A run of whatever the executor's pods do. */
export function runOf(changes: Partial<RunSpec> = {}): RunSpec {
  return {
    runId: crypto.randomUUID(),
    attempt: 1,
    pipelineId: crypto.randomUUID(),
    pipelineName: "shop_metadata",
    fullyQualifiedName: "shop.shop_metadata",
    pipelineType: "metadata",
    config: { greeting: "hello from the configuration" },
    startBefore: Date.now() + 60_000,
    ...changes,
  };
}

/** The reports of a run so far, filled until its end. */
export function followed(
  executor: Executor,
  runId: string,
): { readonly reports: RunReport[]; readonly end: Promise<RunReport> } {
  const reports: RunReport[] = [];
  const read = async (): Promise<RunReport> => {
    for await (const report of executor.observe(runId, AbortSignal.timeout(110_000))) reports.push(report);
    const last = reports.at(-1);
    if (last === undefined) throw new Error(`nothing was told of run ${runId}`);
    return last;
  };
  return { reports, end: read() };
}

/** Starts a run and waits until its container runs. */
export async function startRunning(executor: Executor, spec: RunSpec): Promise<ReturnType<typeof followed>> {
  await executor.start(spec);
  const run = followed(executor, spec.runId);
  await eventually(() => {
    if (!run.reports.some(({ state }) => state === "running")) throw new Error(JSON.stringify(run.reports));
  }, 60_000);
  return run;
}

/** Name of the run's pod. */
export async function podOf(namespace: string, runId: string): Promise<string> {
  const selector = `hybrid-runner/run-id=${runId}`;
  return (
    await kubectl("-n", namespace, "get", "pods", "-l", selector, "-o", "jsonpath={.items[0].metadata.name}")
  ).trim();
}
