import { systemClock } from "../../../src/base/clock.ts";
import { Sensitive } from "../../../src/base/sensitive.ts";
import { openSqliteStore } from "../../../src/gateway/store/sqlite-store.ts";
import { report, run } from "./records.ts";

/*
 * A process that writes runs, states and logs as fast as it can, and tells each one on standard output only after the
 * store's promise resolved. The durability test kills it and counts.
 */
const [path = "", runnerId = "alpha"] = process.argv.slice(2);
const store = await openSqliteStore({ path, key: new Sensitive(new Uint8Array(32).fill(7)), clock: systemClock });
for (;;) {
  const one = run({ runnerId });
  await store.addRun(one);
  const claim = await store.claimSession({ runnerId, installationId: "here" }, 1);
  await store.takeReport(runnerId, report(one, "running", { startedAt: 1005 }), 1005);
  await store.appendLog(one.runId, 0, "line\n");
  const epoch = "epoch" in claim ? claim.epoch : 0;
  // The write blocks until the pipe has it, so what was told here was committed before.
  process.stdout.write(`${JSON.stringify({ runId: one.runId, epoch })}\n`);
}
