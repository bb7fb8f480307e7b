import { instant } from "../../base/instants.ts";
import type { FailureCategory } from "../../protocol/failure-category.ts";
import type { RunRecord, StartRefusal, Store } from "../store/store.ts";

/** What keeps a run from running. */
export interface Waiting {
  /** For people. */
  readonly text: string;
  /** What the failure is if it never starts; absent: `StartTimeout`. */
  readonly category?: FailureCategory;
  /** What to do about it. */
  readonly advice?: string;
}

/** What is known of a runner's session. */
export interface SessionStanding {
  readonly isReady: boolean;
  /** What the last look at the open runs found to keep this one; undefined when there was none yet. */
  waitingOf(runId: string): Waiting | undefined;
}

/** Tells of any queued run why it isn't running: there is always a reason. */
export type WaitingReasons = (run: RunRecord) => Promise<Waiting>;

/** Makes it; `standingOf` answers undefined while the runner is away. */
export function createWaitingReasons(
  store: Pick<Store, "findRunner">,
  standingOf: (runnerId: string) => SessionStanding | undefined,
): WaitingReasons {
  return async (run) => {
    if (run.dispatch === "accepted") return { text: run.waiting ?? "the runner has taken it and starts it" };
    const standing = standingOf(run.runnerId);
    if (standing === undefined) {
      const runner = await store.findRunner(run.runnerId);
      if (runner?.retiredAt === undefined) return away(run, runner?.lastSeenAt);
      return { text: `runner ${run.runnerId} is retired since ${instant(runner.retiredAt)}`, advice: RETIRED };
    }
    if (!standing.isReady) return { text: `runner ${run.runnerId} has just connected and is not in step yet` };
    const refused = run.refusal === undefined ? undefined : refusedBy(run.refusal);
    if (run.dispatch === "offered") return offered(refused);
    return standing.waitingOf(run.runId) ?? refused ?? { text: "it is about to be offered to the runner" };
  };
}

const UNKNOWN =
  "Check the runnerId of the service, and that a runner with this AGENT_ID was started; its own log says what keeps it";
const RETIRED = "Make the service anew with another runner, or stop the run";

/** The runner's own words: why it didn't take a run, or its pipeline. */
export function refusedBy(refusal: Partial<StartRefusal>, what = "the runner has not taken it"): Waiting {
  const { message = "", advice = "", category } = refusal;
  const kind = category === undefined || message.includes(`${category}: `) ? "" : `${category}: `;
  return {
    text: `${what}: ${kind}${message}`,
    ...(category === undefined ? {} : { category }),
    ...(advice === "" ? {} : { advice }),
  };
}

/** What it was refused for before is the best that is known of what keeps it, until there is another answer. */
function offered(refused: Waiting | undefined): Waiting {
  if (refused === undefined) return { text: "it is offered to the runner, which has not answered yet" };
  return {
    ...refused,
    text: `it is offered to the runner again, which has not answered yet; before that, ${refused.text}`,
  };
}

function away({ runnerId, refusal }: RunRecord, lastSeenAt: number | undefined): Waiting {
  if (lastSeenAt === undefined) {
    return { text: `runner ${runnerId} is not known here: it has never connected, or was removed`, advice: UNKNOWN };
  }
  const since = `is away since ${instant(lastSeenAt)}`;
  const before = refusal === undefined ? "" : `; before that, ${refusedBy(refusal).text}`;
  return { text: `runner ${runnerId} ${since}${before}`, advice: "See why the runner is away; its own log says it" };
}
