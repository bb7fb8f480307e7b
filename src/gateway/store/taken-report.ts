import type { RunRecord } from "./store.ts";

/** What a report has made of a run. */
export interface TakenReport {
  readonly run: RunRecord;
  readonly changed: boolean;
  /** The run was not known before: nobody ordered it here. */
  readonly added?: true;
}
