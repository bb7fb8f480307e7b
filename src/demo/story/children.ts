import { type Clock, sleep } from "../../base/clock.ts";
import { CodedError } from "../../base/errors.ts";
import { fileSize, joinPath, readBytes, readTextIfExists, writeDurably } from "../../runtime/files.ts";
import { type Program, startProgram } from "../../runtime/program.ts";
import { environment } from "../../runtime/system.ts";
import { DEMO_ERRORS } from "../errors.ts";
import type { Workspace } from "./workspace.ts";

/** A started part of the demo. */
export interface Child {
  readonly name: string;
  readonly program: Program;
  readonly logFile: string;
}

/** What starting a child stands on. */
export interface ChildOptions {
  /** The command that starts this program again. */
  readonly self: readonly string[];
  readonly workspace: Workspace;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The runner's id in the demo. */
export const RUNNER_ID = "demo";

const START_LIMIT_MS = 60_000;
const POLL_MS = 50;
/** Bytes of a log that are shown when a child has died. */
const TAIL_BYTES = 8_192;
const TAIL_LINES = 8;

/** Starts the gateway on a free port. */
export async function startGateway(options: ChildOptions): Promise<Child> {
  const { gatewayData, frames, gatewayLog } = options.workspace;
  const args = [
    "gateway",
    "--host",
    "127.0.0.1",
    "--port",
    "0",
    "--data-directory",
    gatewayData,
    "--capture-frames",
    frames,
    "--json",
  ];
  return start("gateway", args, {}, gatewayLog, options);
}

/** Starts the runner, with a connection without TLS because it stays on this machine. */
export async function startRunner(gatewayUrl: string, options: ChildOptions): Promise<Child> {
  const { workspace } = options;
  const settings = {
    AGENT_ID: RUNNER_ID,
    AUTH_TOKEN_FILE: workspace.runnerToken,
    SERVER_URL: gatewayUrl.replace(/^http/, "ws"),
    EXECUTOR_TYPE: "process",
    DATA_DIRECTORY: workspace.runnerData,
    SECRETS_MANAGER: "file",
    SECRETS_DIRECTORY: workspace.secrets,
    INGESTION_COMMAND: JSON.stringify([...options.self, "demo-connector"]),
    STOP_GRACE_SECONDS: "5",
    METRICS_SERVER_PORT: "off",
  };
  return start("runner", ["run"], settings, workspace.runnerLog, options);
}

/** Has the gateway issue a token for the runner, and puts it where the runner reads it. */
export async function createRunnerToken(options: ChildOptions): Promise<void> {
  const { workspace, clock, signal } = options;
  const output = joinPath(workspace.root, "token-answer.json");
  const args = [
    "gateway",
    "token",
    "create",
    "--data-directory",
    workspace.gatewayData,
    "--runner",
    RUNNER_ID,
    "--json",
  ];
  const child = await start("gateway token create", args, {}, workspace.gatewayLog, options, output);
  const exit = await Promise.race([
    child.program.exited,
    sleep(clock, START_LIMIT_MS, signal).then(() => undefined),
  ]).catch(async (error: unknown) => {
    await child.program.terminate(0);
    throw error;
  });
  if (exit === undefined) {
    await child.program.terminate(0);
    throw new CodedError(
      DEMO_ERRORS.DemoStepTooSlow,
      `Cannot create a runner token: not done after ${START_LIMIT_MS} ms`,
    );
  }
  const token = exit.code === 0 ? tokenIn((await readTextIfExists(output)) ?? "") : undefined;
  if (token === undefined) throw await endedError(child);
  await writeDurably(workspace.runnerToken, token);
  await writeDurably(output, "");
}

/**
 * Waits until the gateway has written its address into its log.
 * @throws CodedError DemoStepTooSlow
 */
export async function gatewayAddress(child: Child, clock: Clock, signal: AbortSignal): Promise<string> {
  return waitFor("hear the gateway's address", clock, signal, async () => {
    return addressIn((await readTextIfExists(child.logFile)) ?? "");
  });
}

/** Asks `attempt` until it answers something. @throws CodedError DemoStepTooSlow after the limit */
export async function waitFor<T>(
  what: string,
  clock: Clock,
  signal: AbortSignal,
  attempt: () => Promise<T | undefined>,
  limitMs: number = START_LIMIT_MS,
): Promise<T> {
  const end = clock.monotonic() + limitMs;
  for (;;) {
    const found = await attempt();
    if (found !== undefined) return found;
    if (clock.monotonic() > end) {
      throw new CodedError(DEMO_ERRORS.DemoStepTooSlow, `Cannot ${what}: not there after ${limitMs / 1000} s`);
    }
    await sleep(clock, POLL_MS, signal);
  }
}

/** Rejects when the child ends; for a race with work that needs it. */
export async function untilEnded(child: Child): Promise<never> {
  await child.program.exited;
  throw await endedError(child);
}

async function endedError(child: Child): Promise<CodedError> {
  const exit = await child.program.exited;
  const how = exit.code === undefined ? `signal ${exit.signal}` : `exit code ${exit.code}`;
  const lines = await lastLines(child.logFile);
  const message = `Cannot go on: ${child.name} ended by itself with ${how}; its last lines:\n    ${lines.join("\n    ")}`;
  return new CodedError(DEMO_ERRORS.DemoProgramEnded, message);
}

/** The last lines of a log, without stack frames; none when there is no such file. */
export async function lastLines(file: string): Promise<readonly string[]> {
  const size = (await fileSize(file)) ?? 0;
  const tail = await readBytes(file, Math.max(0, size - TAIL_BYTES), TAIL_BYTES);
  const lines = new TextDecoder().decode(tail).trimEnd().split("\n");
  return lines.filter((line) => line !== "" && !/^\s+at /.test(line)).slice(-TAIL_LINES);
}

/** The gateway logs one JSON object a line; one of them tells the address it listens on. */
export function addressIn(log: string): string | undefined {
  for (const line of log.split("\n")) {
    const found = /"(?:url|address|listening)":"(http:\/\/127\.0\.0\.1:\d+)\/?"/.exec(line);
    if (found?.[1] !== undefined) return found[1];
  }
  return undefined;
}

function tokenIn(output: string): string | undefined {
  try {
    const answer: unknown = JSON.parse(output);
    if (typeof answer === "object" && answer !== null && "token" in answer && typeof answer.token === "string") {
      return answer.token;
    }
  } catch {
    // not JSON: told by the caller together with the log
  }
  return undefined;
}

/** Variables that a runtime may need; everything else is left behind, so that no setting of the caller's reaches the demo. */
const PASSED_ON = ["PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "DENO_DIR", "XDG_CACHE_HOME", "LD_LIBRARY_PATH"];

async function start(
  name: string,
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
  logFile: string,
  { self, workspace, clock }: ChildOptions,
  stdoutFile: string = logFile,
): Promise<Child> {
  const own = environment();
  const inherited = Object.fromEntries(PASSED_ON.flatMap((key) => (own[key] === undefined ? [] : [[key, own[key]]])));
  const program = await startProgram({
    command: [...self, ...args],
    env: { ...inherited, ...settings },
    cwd: workspace.root,
    stdoutFile,
    stderrFile: logFile,
    clock,
  });
  return { name, program, logFile };
}
