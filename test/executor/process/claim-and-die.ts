import { takeClaim } from "../../../src/executor/process/run-directory.ts";
import { ownIdentity } from "../../../src/runtime/process.ts";

/** A supervisor that is killed right after it has claimed its run. */
const directory = process.argv.at(-1) ?? "";
const identity = await ownIdentity();
await takeClaim(directory, { version: 1, who: "supervisor", at: Date.now(), identity });
process.kill(process.pid, "SIGKILL");
