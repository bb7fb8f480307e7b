import type { RunnerSessions } from "../sessions/sessions.ts";
import type { RunRecord } from "../store/store.ts";
import { inApi } from "./instants.ts";
import type { RunView } from "./views.ts";

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
