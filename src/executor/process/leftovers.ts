import { type Clock, sleep } from "../../base/clock.ts";
import {
  findMarkedProcesses,
  groupLives,
  isAlive,
  type ProcessIdentity,
  processIdentity,
  signalGroup,
  signalProcess,
} from "../../runtime/process.ts";

/** The variable in a program's environment that holds its run's mark. */
export const RUN_MARK_VARIABLE: string = "HYBRID_RUNNER_RUN_MARK";

const LOOK_EVERY_MS = 50;
/** KILL can't be refused, but a process in an uninterruptible wait dies late. */
const KILL_LIMIT_MS = 10_000;

/** Whose processes to end, and how gently. */
export interface LeftoverOptions {
  readonly clock: Clock;
  readonly mark: string;
  /** From TERM to KILL. */
  readonly graceMs: number;
  /** The started program, when it is known. */
  readonly program?: ProcessIdentity;
  /** True right after the program ended, when its group's number can't have been given to anybody else yet. */
  readonly groupIsOurs: boolean;
}

/** How many processes were found, and how many were there still when the limit was over. */
export interface LeftoverOutcome {
  readonly found: number;
  readonly survivors: number;
}

/** Ends all that is left of a run: TERM, grace, KILL, for the program's group and for every process that carries its mark. */
export async function endLeftovers(options: LeftoverOptions): Promise<LeftoverOutcome> {
  const seen = new Set<string>();
  const begin = options.clock.monotonic();
  const killAt = begin + options.graceMs;
  for (;;) {
    const now = options.clock.monotonic();
    const signal = now < killAt ? "SIGTERM" : "SIGKILL";
    const left = await look(options);
    const found = left.processes.length + (left.group !== undefined && left.processes.length === 0 ? 1 : 0);
    if (found === 0 || now >= killAt + KILL_LIMIT_MS) {
      const processes = [...seen].filter((key) => !key.startsWith("group ")).length;
      return { found: Math.max(processes, found), survivors: found };
    }
    await signalNew(left, signal, seen);
    await waitForThem(options, left, signal === "SIGTERM" ? killAt : now + LOOK_EVERY_MS);
  }
}

interface Left {
  readonly processes: readonly ProcessIdentity[];
  readonly group?: number;
}

async function look(options: LeftoverOptions): Promise<Left> {
  const { program } = options;
  // The supervisor of an ended run has nothing else to do; a runner has.
  const marked = await findMarkedProcesses(RUN_MARK_VARIABLE, options.mark, options.groupIsOurs);
  if (program === undefined) return { processes: marked };
  const lives = await isAlive(program);
  const processes = lives && !marked.some(({ pid }) => pid === program.pid) ? [...marked, program] : marked;
  // Without its leader a group is known as ours by a marked member; its number may belong to strangers by now.
  const proven = options.groupIsOurs || marked.some(({ group }) => group === program.pid);
  const ours = lives || (proven && (await processIdentity(program.pid)) === undefined);
  return ours && (await groupLives(program.pid)) ? { processes, group: program.pid } : { processes };
}

/** Each gets TERM once, so that it can end in peace; KILL is repeated. */
async function signalNew(left: Left, signal: "SIGTERM" | "SIGKILL", seen: Set<string>): Promise<void> {
  const isNew = (key: string): boolean => {
    const known = seen.has(key);
    seen.add(key);
    return !known || signal === "SIGKILL";
  };
  if (left.group !== undefined && isNew(`group ${left.group}`)) signalGroup(left.group, signal);
  for (const process of left.processes) {
    if (isNew(`${process.pid} ${process.startTime}`)) await signalProcess(process, signal);
  }
}

/** Until none of those found lives any more, or until `limit`; then it is time to look for others. */
async function waitForThem(options: LeftoverOptions, left: Left, limit: number): Promise<void> {
  while (options.clock.monotonic() < limit) {
    await sleep(options.clock, LOOK_EVERY_MS);
    const lives = await Promise.all(left.processes.map(isAlive));
    if (lives.includes(true)) continue;
    if (left.group === undefined || !(await groupLives(left.group))) return;
  }
}
