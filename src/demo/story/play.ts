import { type Clock, sleep } from "../../base/clock.ts";
import { createLog } from "../../base/log.ts";
import { Scope } from "../../base/scope.ts";
import { joinPath, remove } from "../../runtime/files.ts";
import type { Narrator } from "../narrator.ts";
import type { DemoOptions } from "../options.ts";
import { brokenVerdict, type DemoVerdict, makeVerdict, NOTHING_YET, tellBroken, tellVerdict } from "./demo-verdict.ts";
import { type FirstRun, playFirstRun } from "./first-run.ts";
import { nextSteps } from "./next-steps.ts";
import { STOP_GRACE_MS, type Stage, setStage } from "./stage.ts";
import { makeWorkspace, type Workspace } from "./workspace.ts";

/** What the demo is played with. */
export interface PlayOptions extends DemoOptions {
  /** The command that starts this program again. */
  readonly self: readonly string[];
  readonly clock: Clock;
  /** Aborted when the demo shall end. */
  readonly signal: AbortSignal;
  readonly narrator: Narrator;
  /** Takes warnings about parts that did not stop cleanly. */
  readonly warn: (line: string) => void;
  /** Told once, as soon as the verdict is known. */
  readonly onVerdict?: (verdict: DemoVerdict) => Promise<void>;
  /** See StageOptions. */
  readonly placeSecret?: (workspace: Workspace) => Promise<void>;
}

/**
 * Plays the demo from an empty directory to the verdict, stays up unless `once`, and takes everything down again.
 * What goes wrong is told to the narrator and in the verdict, not thrown.
 */
export async function playDemo(options: PlayOptions): Promise<DemoVerdict> {
  let workspace: Workspace;
  try {
    workspace = await makeWorkspace(options.directory);
  } catch (error) {
    return breakOff(error, NOTHING_YET, options);
  }
  const log = createLog({ clock: options.clock, level: "warn", format: "text", write: options.warn });
  const scope = new Scope(options.clock, log);
  const verdict = await playIn(workspace, scope, options).finally(() => scope.close(STOP_GRACE_MS + 2_000));
  await clearUp(verdict, workspace, options);
  return verdict;
}

async function playIn(workspace: Workspace, scope: Scope, options: PlayOptions): Promise<DemoVerdict> {
  const { clock, narrator, signal } = options;
  let verdict = NOTHING_YET;
  try {
    await narrator.title("hybrid-runner demo: gateway, runner, a real database and one ingestion, all on this machine");
    const begin = clock.monotonic();
    const stage = await setStage({ ...options, workspace, scope });
    const connected = clock.monotonic();
    const first = await stage.guard(playFirstRun(stage, workspace, narrator, clock, signal));
    const end = clock.monotonic();
    const timings = { connectedMs: connected - begin, runMs: end - connected, totalMs: end - begin };
    verdict = makeVerdict(first, timings);
    if (!verdict.ok || keeps(options)) verdict = { ...verdict, directory: workspace.root };
    await tellVerdict(verdict, narrator);
    await options.onVerdict?.(verdict);
    if (!options.once) await stayUp(stage, workspace, first, options);
    return verdict;
  } catch (error) {
    return breakOff(error, verdict, options, workspace);
  }
}

async function stayUp(
  stage: Stage,
  workspace: Workspace,
  first: FirstRun,
  { narrator, signal }: PlayOptions,
): Promise<void> {
  await narrator.title("Staying up");
  await narrator.plain(nextSteps(stage, workspace, first));
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await stage.guard(aborted);
  await narrator.title("Stopping");
}

async function breakOff(
  error: unknown,
  before: DemoVerdict,
  { signal, narrator, onVerdict }: PlayOptions,
  workspace?: Workspace,
): Promise<DemoVerdict> {
  const verdict = brokenVerdict(error, before, signal.aborted, workspace?.root);
  if (signal.aborted) await narrator.failed("interrupted");
  else await tellBroken(error, narrator, workspace);
  if (before === NOTHING_YET) await onVerdict?.(verdict);
  return verdict;
}

/** What failed is left for looking at; what was interrupted before there was a verdict is of no use to anybody. */
async function clearUp(verdict: DemoVerdict, workspace: Workspace, options: PlayOptions): Promise<void> {
  const interrupted = options.signal.aborted && verdict.checks.length === 0;
  if (!keeps(options) && (verdict.ok || interrupted)) return removeWorkspace(workspace, options.clock);
  const logs = joinPath(workspace.root, "logs");
  await options.narrator.plain([`Everything was left in ${workspace.root}; logs in ${logs}`]);
}

function keeps(options: DemoOptions): boolean {
  return options.keep || options.directory !== undefined;
}

/** A program that is just ending may still write: then what it wrote is removed at the next attempt. */
async function removeWorkspace(workspace: Workspace, clock: Clock): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    try {
      return await remove(workspace.root);
    } catch {
      await sleep(clock, 100);
    }
  }
  await remove(workspace.root);
}
