/**
 * Run states are OpenMetadata's (facts: openmetadata-contract §5). A run moves forward only:
 * `queued`, then `running`, then one of the terminal states. A step may be skipped when it was too short to be seen.
 */
export const RUN_STATES = ["queued", "running", "success", "failed", "partialSuccess", "stopped"] as const;
export type RunState = (typeof RUN_STATES)[number];

/** States that a run never leaves, but for a later attempt. */
export const TERMINAL_STATES: ReadonlySet<RunState> = new Set(["success", "failed", "partialSuccess", "stopped"]);

/** True when a run in `state` has ended. */
export function isTerminal(state: RunState): boolean {
  return TERMINAL_STATES.has(state);
}

/** True when a run may go from one state to another within one attempt. */
export function isLegalTransition(from: RunState, to: RunState): boolean {
  return rank(to) > rank(from);
}

/** What is known of a run at one moment; `attempt` counts from 1. */
export interface RunMoment {
  readonly attempt: number;
  readonly state: RunState;
}

/** True when `next` is news after `known`: a later attempt, or a step forward in the same one. */
export function supersedes(next: RunMoment, known: RunMoment): boolean {
  if (next.attempt !== known.attempt) return next.attempt > known.attempt;
  return isLegalTransition(known.state, next.state);
}

/** True when `next` tells the same end once more, with the length and hash of the log, which were missing. */
export function addsLogEnd(
  next: RunMoment & { readonly log?: object },
  known: RunMoment & { readonly log?: object },
): boolean {
  const isSame = next.attempt === known.attempt && next.state === known.state && isTerminal(known.state);
  return isSame && known.log === undefined && next.log !== undefined;
}

function rank(state: RunState): number {
  if (state === "queued") return 0;
  return state === "running" ? 1 : 2;
}

/** The states of a run that has not ended. */
export const OPEN_STATES: readonly RunState[] = RUN_STATES.filter((state) => !TERMINAL_STATES.has(state));
