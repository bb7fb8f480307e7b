/* Leaves many orphans behind, takes them up, and prints what came of it; started by reaper.test.ts. */

import { dlopen } from "node:ffi";
import { readdirSync, readFileSync } from "node:fs";
import { systemClock } from "../../src/base/clock.ts";
import { runningChildren, startChild } from "../../src/runtime/child.ts";
import { reapOrphans } from "../../src/runtime/reaper.ts";

const ORPHANS = 300;
const PR_SET_CHILD_SUBREAPER = 36;

/** Processes whose remains wait for this one. */
function zombies(): number {
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const [state, parent] = readFileSync(`/proc/${name}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      return state === "Z" && Number(parent) === process.pid;
    } catch {
      return false;
    }
  }).length;
}

// As process 1 of a container: what its children leave behind becomes its own.
const { functions } = dlopen(null, {
  prctl: { arguments: ["int32", "uint64", "uint64", "uint64", "uint64"], return: "int32" },
});
functions.prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n);
const reaps = process.argv[2] === "reaping";
const stop = reaps ? reapOrphans(runningChildren, systemClock) : () => undefined;
const script = `i=0; while [ $i -lt ${ORPHANS} ]; do (sleep 0.01 &); i=$((i+1)); done; exit 7`;
const none = (): void => undefined;
const child = await startChild({
  command: "/bin/sh",
  args: ["-c", script],
  env: { PATH: "/usr/bin:/bin" },
  cwd: "/",
  clock: systemClock,
  ownGroup: true,
  stdin: "ignore",
  onStdout: none,
  onStderr: none,
});
const { exitCode } = await child.ended;
for (let looks = 0; looks < 200 && (reaps ? zombies() > 0 : zombies() < ORPHANS); looks++) {
  await new Promise((resolve) => setTimeout(resolve, 50));
}
process.stdout.write(JSON.stringify({ exitCode, zombies: zombies(), children: runningChildren.size }));
stop();
