import { isTerminal } from "../../protocol/run-state.ts";
import type { RunRecord, Store } from "../store/store.ts";

/** Whether a run's log is all here, and whether it is proved to be the very text the runner had. */
export interface LogProof {
  /** The run has ended and as many bytes are here as the runner told. */
  readonly complete: boolean;
  /** Complete, and the SHA-256 is the one the runner told. */
  readonly verified: boolean;
}

const MAX_REMEMBERED = 1000;

/** Makes the judge of logs. A complete log doesn't change any more, so its hash is computed once and remembered. */
export function createLogProofs(store: Store): (run: RunRecord) => Promise<LogProof> {
  const verdicts = new Map<string, boolean>();
  return async (run) => {
    const { logEnd } = run;
    if (!isTerminal(run.state) || logEnd === undefined || run.logBytes !== logEnd.bytes) {
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
