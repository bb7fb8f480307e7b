// The ingestion program of the executor tests: does what its configuration says, step by step.
// Plain JavaScript and nothing but Node, so that any executor can run it; the container contract is all it knows.
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const { steps } = JSON.parse(process.env.config ?? "{}");

for (const step of steps) {
  if ("say" in step) process.stdout.write(step.say);
  if ("complain" in step) process.stderr.write(step.complain);
  if ("append" in step) appendFileSync(step.append, `${process.env.pipelineRunId} ${process.pid}\n`);
  if ("sleep" in step) await sleep(step.sleep);
  if ("waitFor" in step) while (!existsSync(step.waitFor)) await sleep(20);
  if ("ignoreTerm" in step) process.on("SIGTERM", () => process.stdout.write("TERM ignored\n"));
  if ("print" in step) process.stdout.write(`${step.print}=${process.env[step.print] ?? "(unset)"}\n`);
  if ("daemon" in step) {
    // The shell in between ends at once, so that the daemon has no parent among us, and a session of its own.
    const script = `(setsid sh -c 'trap "" TERM; echo $$ > "${step.daemon}"; while :; do sleep 1; done' &)`;
    spawn("sh", ["-c", script], { stdio: step.holdOutput ? "inherit" : "ignore" });
    while (!existsSync(step.daemon)) await sleep(20);
  }
  if ("child" in step) {
    const child = spawn("sleep", ["1000"], { stdio: "ignore" });
    writeFileSync(step.child, String(child.pid));
  }
  if ("kill" in step) process.kill(process.pid, step.kill);
  if ("exit" in step) process.exit(step.exit);
}
process.exit(0);
