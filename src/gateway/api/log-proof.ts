import { isTerminal } from "../../protocol/run-state.ts";
import type { RunRecord, Store } from "../store/store.ts";

/** Whether a run's log is all here, and whether it is proved to be the very text the runner had. */
export interface LogProof {
  /** The run has ended, as many bytes have come as the runner told, and none was told missing. */
  readonly complete: boolean;
  /** Complete, and the SHA-256 is the one the runner told. */
  readonly verified: boolean;
}

/** True when the run has ended and its log will not grow any more: all of it is here, or was told missing. */
export function isLogSettled(run: RunRecord): boolean {
  return isTerminal(run.state) && run.logBytes === run.logEnd?.bytes;
}

const MAX_REMEMBERED = 1000;

/** Makes the judge of logs. A log that is proved doesn't change any more, and that is remembered; one that differs may come once more. */
export function createLogProofs(store: Store): (run: RunRecord) => Promise<LogProof> {
  const proved = new Set<string>();
  return async (run) => {
    const { logEnd } = run;
    if (logEnd === undefined || !isLogSettled(run) || run.logGaps.length > 0) {
      return { complete: false, verified: false };
    }
    const key = `${run.runId} ${logEnd.sha256}`;
    if (proved.has(key)) return { complete: true, verified: true };
    const digest = await store.logDigest(run.runId);
    const verified = digest.bytes === logEnd.bytes && digest.sha256 === logEnd.sha256;
    if (verified) proved.add(key);
    const [oldest] = proved;
    if (proved.size > MAX_REMEMBERED && oldest !== undefined) proved.delete(oldest);
    return { complete: true, verified };
  };
}
