import { type Clock, limitSignal, sleep } from "../../base/clock.ts";
import type { Scope } from "../../base/scope.ts";
import { isTerminal } from "../../protocol/run-state.ts";
import { joinPath, readTextIfExists } from "../../runtime/files.ts";
import type { Narrator } from "../narrator.ts";
import { createShopDatabase } from "../shop/database.ts";
import { field, readRunView } from "./answers.ts";
import {
  type Child,
  type ChildOptions,
  createRunnerToken,
  gatewayAddress,
  RUNNER_ID,
  startGateway,
  startRunner,
  untilEnded,
  waitFor,
} from "./children.ts";
import { createGatewayClient, type GatewayClient } from "./gateway-client.ts";
import { type Workspace, writeSecret } from "./workspace.ts";

/** What the stage is built from. */
export interface StageOptions {
  readonly self: readonly string[];
  readonly workspace: Workspace;
  readonly clock: Clock;
  /** Aborted when the demo shall end. */
  readonly signal: AbortSignal;
  /** Takes over what has to be stopped. */
  readonly scope: Scope;
  readonly narrator: Narrator;
  /** Puts the secret where the runner finds it; tests leave it out to see what happens then. */
  readonly placeSecret?: (workspace: Workspace) => Promise<void>;
}

/** Gateway and runner at work, with a client in front of them. */
export interface Stage {
  readonly url: string;
  readonly adminTokenFile: string;
  readonly client: GatewayClient;
  readonly gateway: Child;
  readonly runner: Child;
  /** Settles as `work` does, but rejects as soon as gateway or runner end by themselves. */
  guard<T>(work: Promise<T>): Promise<T>;
}

/** A child gets this long to end by itself. */
export const STOP_GRACE_MS = 10_000;
const REQUEST_LIMIT_MS = 15_000;
const RUN_STOP_LIMIT_MS = 8_000;
/** A child that died is noticed this long after the requests that it fails. */
const CAUSE_LIMIT_MS = 500;

/** Makes the database, starts gateway and runner, and waits until the runner is connected. */
export async function setStage(options: StageOptions): Promise<Stage> {
  const { workspace, clock, signal, scope, narrator } = options;
  const child: ChildOptions = options;
  createShopDatabase(workspace.database);
  await (options.placeSecret ?? writeSecret)(workspace);
  await narrator.done(
    "a shop: a real SQLite database; its connection string lies in the runner's secret directory only",
  );

  const gateway = await startGateway(child);
  scope.own("gateway", () => gateway.program.terminate(STOP_GRACE_MS).then(() => undefined));
  const gatewayEnds = untilEnded(gateway);
  const url = await preferring(gatewayEnds, gatewayAddress(gateway, clock, signal), clock);
  const adminTokenFile = joinPath(workspace.gatewayData, "admin-token");
  const adminToken = ((await readTextIfExists(adminTokenFile)) ?? "").trim();
  const client = createGatewayClient({ url, adminToken, signal, limitMs: REQUEST_LIMIT_MS, clock });
  await narrator.done(`the gateway listens on ${url} (process ${gateway.program.pid})`);

  await createRunnerToken(child);
  const runner = await startRunner(url, child);
  scope.own("runner", () => runner.program.terminate(STOP_GRACE_MS).then(() => undefined));
  scope.own("live runs", () => stopLiveRuns(url, adminToken, clock));
  const ends = Promise.race([gatewayEnds, untilEnded(runner)]);
  const guard = <T>(work: Promise<T>): Promise<T> => preferring(ends, work, clock);
  await guard(
    waitFor("see the runner connect", clock, signal, async () => ((await isConnected(client)) ? true : undefined)),
  );
  await narrator.done(`the runner dialled out and is Connected (process ${runner.program.pid})`);
  return { url, adminTokenFile, client, gateway, runner, guard };
}

/** As `work` does, unless `ends` rejects: also when that comes a moment after the failure it caused. */
async function preferring<T>(ends: Promise<never>, work: Promise<T>, clock: Clock): Promise<T> {
  ends.catch(() => undefined);
  work.catch(() => undefined);
  try {
    return await Promise.race([work, ends]);
  } catch (error) {
    await Promise.race([ends, sleep(clock, CAUSE_LIMIT_MS)]);
    throw error;
  }
}

async function isConnected(client: GatewayClient): Promise<boolean> {
  const runners = field(await client.get("/api/v1/runners"), "runners");
  if (!Array.isArray(runners)) return false;
  return runners.some((runner) => field(runner, "runnerId") === RUNNER_ID && field(runner, "status") === "Connected");
}

/** Runs outlive their runner, so they have to be ended before it: nothing of the demo may stay behind. */
async function stopLiveRuns(url: string, adminToken: string, clock: Clock): Promise<void> {
  const signal = limitSignal(clock, RUN_STOP_LIMIT_MS);
  const client = createGatewayClient({ url, adminToken, signal, limitMs: REQUEST_LIMIT_MS, clock });
  for (;;) {
    const runs = field(await client.get("/api/v1/runs"), "runs");
    const live = (Array.isArray(runs) ? runs.map(readRunView) : []).filter((run) => !isTerminal(run.state));
    if (live.length === 0) return;
    for (const run of live) await client.post(`/api/v1/runs/${run.runId}/stop`, {});
    await sleep(clock, 100, signal);
  }
}
