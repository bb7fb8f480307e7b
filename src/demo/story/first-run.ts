import type { Clock } from "../../base/clock.ts";
import { filesUnder } from "../../runtime/file-tree.ts";
import { baseName, directoryOf, fileSize, readTextIfExists, writeDurably } from "../../runtime/files.ts";
import type { Narrator } from "../narrator.ts";
import { makeNeedles } from "../scan/needles.ts";
import { type ScanResult, scan } from "../scan/scan.ts";
import { expectedShopMetadata } from "../shop/expected-metadata.ts";
import type { Evidence } from "../verdict.ts";
import { field, readRunView, textField } from "./answers.ts";
import { RUNNER_ID } from "./children.ts";
import { fetchLog, followRun } from "./follow-run.ts";
import type { Stage } from "./stage.ts";
import { REFERENCE, type Workspace } from "./workspace.ts";

/** What the first run was made of, for trying it again. */
export interface FirstRun {
  readonly serviceId: string;
  readonly pipelineId: string;
  readonly evidence: Evidence;
}

/** Registers service and pipeline, runs the pipeline, follows it live, and gathers what the verdict looks at. */
export async function playFirstRun(
  stage: Stage,
  workspace: Workspace,
  narrator: Narrator,
  clock: Clock,
  signal: AbortSignal,
): Promise<FirstRun> {
  const { client } = stage;
  const serviceId = textField(
    await client.post("/api/v1/services", {
      name: "shop",
      serviceType: "sqlite",
      connection: { config: REFERENCE },
      runnerId: RUNNER_ID,
    }),
    "serviceId",
  );
  await narrator.done(`service "shop" is registered; its connection is the reference ${REFERENCE}`);

  const answer = await client.post("/api/v1/pipelines", {
    name: "shop-metadata",
    serviceId,
    pipelineType: "metadata",
    sourceConfig: { type: "DatabaseMetadata" },
    sink: { type: "file", config: { filename: workspace.metadataFile } },
  });
  const pipelineId = textField(field(answer, "pipeline") ?? answer, "pipelineId");
  await client.post(`/api/v1/pipelines/${pipelineId}/deploy`, {});
  await narrator.done('pipeline "shop-metadata" is deployed to the runner');

  const { runId } = readRunView(field(await client.post(`/api/v1/pipelines/${pipelineId}/run`, {}), "run"));
  await narrator.done(`run ${runId} was asked for; live from the gateway:`);
  const watcher = {
    state: (run: { state: string }) => narrator.news(`» ${run.state}`),
    line: (text: string) => narrator.news(text),
  };
  const run = await followRun(client, runId, watcher, clock, signal);
  const log = await fetchLog(client, runId, clock, signal);
  const storedConnection = field(await client.get(`/api/v1/services/${serviceId}`), "connection");
  await writeDurably(workspace.runLog, log.text);
  await writeDurably(workspace.answers, client.answers());

  const evidence = {
    run,
    log,
    runnerLog: await runnerSideLog(workspace, runId),
    metadata: parseJson(await readTextIfExists(workspace.metadataFile)),
    expected: expectedShopMetadata(),
    secret: workspace.secret,
    storedConnection,
    reference: REFERENCE,
    scan: await scanWorkspace(workspace),
  };
  return { serviceId, pipelineId, evidence };
}

/** Looks through everything that was written by gateway, runner, run and API; only secret directory and database are left out. */
export async function scanWorkspace(workspace: Workspace): Promise<ScanResult> {
  const { value, token } = workspace.secret;
  const needles = makeNeedles([{ name: "connection string", value }], [{ name: "random token", value: token }]);
  const places = [
    { name: "the gateway's data directory", path: workspace.gatewayData },
    { name: "the runner's data directory", path: workspace.runnerData },
    { name: "captured frames", path: workspace.frames },
    { name: "the gateway's log", path: workspace.gatewayLog },
    { name: "the runner's log", path: workspace.runnerLog },
    { name: "the run's log", path: workspace.runLog },
    { name: "the API's answers", path: workspace.answers },
  ];
  const metadata = { name: "the metadata", path: workspace.metadataFile };
  return scan((await fileSize(metadata.path)) === undefined ? places : [...places, metadata], needles);
}

/** The log as the process executor keeps it, in a directory named for the run. */
async function runnerSideLog(workspace: Workspace, runId: string): Promise<string | undefined> {
  const files = await filesUnder(workspace.runnerData);
  const log = files.find((file) => baseName(directoryOf(file)) === runId && baseName(file) === "output.log");
  return log === undefined ? undefined : readTextIfExists(log);
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
