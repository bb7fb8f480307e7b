import { CodedError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { isTerminal } from "../../protocol/run-state.ts";
import { GATEWAY_ERRORS } from "../errors.ts";
import type { RunRecord, Store } from "../store/store.ts";

/**
 * Compares a log that has come to its end with the length and hash its runner told. One that differs is dropped once, and the
 * session must end without an acknowledgement: the next greeting then asks for the log from its beginning. The second time it stays
 * as it is, and whoever reads it is told that it isn't verified. A log with gaps can't be compared.
 * @throws CodedError LogDiffers when the log has to come again
 */
export async function checkLog(run: RunRecord, store: Store, log: Log): Promise<void> {
  const { runId, logEnd, logBytes, logGaps } = run;
  if (!isTerminal(run.state) || logEnd === undefined || logBytes !== logEnd.bytes || logGaps.length > 0) return;
  const digest = await store.logDigest(runId);
  if (digest.bytes === logEnd.bytes && digest.sha256 === logEnd.sha256) return;
  if (await store.restartLog(runId)) {
    throw new CodedError(
      GATEWAY_ERRORS.LogDiffers,
      `Cannot keep the log of run ${runId}: its ${logBytes} bytes differ from the hash that the runner told`,
    );
  }
  log.warn("A log differs from the hash its runner told, although it was sent twice", { runId, bytes: logBytes });
}
