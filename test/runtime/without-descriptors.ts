/* Takes every file descriptor it can get, then asks whether a living process lives; prints the answer. */
import { closeSync, openSync } from "node:fs";
import { describeError } from "../../src/base/errors.ts";
import { findMarkedProcesses, isAlive, ownIdentity } from "../../src/runtime/process.ts";

const identity = await ownIdentity();
const taken: number[] = [];
try {
  for (;;) taken.push(openSync("/dev/null", "r"));
} catch {
  // that was the last one
}
const alive = await isAlive(identity).catch(describeError);
const found = await findMarkedProcesses("NAME", "value").catch(describeError);
for (const descriptor of taken) closeSync(descriptor);
process.stdout.write(`${JSON.stringify({ alive, found, after: await isAlive(identity) })}\n`);
