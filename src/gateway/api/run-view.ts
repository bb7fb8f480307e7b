import type { RunnerSessions } from "../sessions/sessions.ts";
import type { RunRecord } from "../store/store.ts";
import { inApi } from "./instants.ts";
import type { ListedRunView, RunView } from "./views.ts";

/** A run as it is answered: while it is queued, with what keeps it from running. */
export async function runView(
  run: RunRecord,
  { waitingReason }: Pick<RunnerSessions, "waitingReason">,
): Promise<RunView> {
  const { waiting: _, refusal: __, ...record } = run;
  if (run.state !== "queued") return inApi(record);
  const { text, advice } = await waitingReason(run);
  return { ...inApi(record), waiting: advice === undefined ? text : `${text}; next: ${advice}` };
}

/** The same for a list, where what is long is left out. */
export async function listedRunView(
  run: RunRecord,
  sessions: Pick<RunnerSessions, "waitingReason">,
): Promise<ListedRunView> {
  const { failure, ...view } = await runView(run, sessions);
  if (failure === undefined) return view;
  const { logTail: _, events: __, ...rest } = failure;
  return { ...view, failure: rest };
}
