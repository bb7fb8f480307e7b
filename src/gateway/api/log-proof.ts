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

/** Makes the judge of logs. A complete log doesn't change any more, so its hash is computed once and remembered. */
export function createLogProofs(store: Store): (run: RunRecord) => Promise<LogProof> {
  const verdicts = new Map<string, boolean>();
  return async (run) => {
    const { logEnd } = run;
    if (logEnd === undefined || !isLogSettled(run) || run.logGaps.length > 0) {
      return { complete: false, verified: false };
    }
    const key = `${run.runId} ${logEnd.sha256}`;
    const known = verdicts.get(key);
    if (known !== undefined) return { complete: true, verified: known };
    const digest = await store.logDigest(run.runId);
    const verified = digest.bytes === logEnd.bytes && digest.sha256 === logEnd.sha256;
    verdicts.set(key, verified);
    const [oldest] = verdicts.keys();
    if (verdicts.size > MAX_REMEMBERED && oldest !== undefined) verdicts.delete(oldest);
    return { complete: true, verified };
  };
}
