/*
 * The runner from its sources in a process where two moments are noted: a `run.start` frame has arrived, and that run is about to
 * be given to its supervisor: to a new one that is started, or as a line to one that waits. The difference is written to standard error as {"dispatch": milliseconds}, one line a run.
 * Supervisors are started from the executable (BENCH_EXECUTABLE), as the real runner does.
 */

import childProcess from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";
import { WebSocket } from "ws";

const arrived = new Map<string, number>();

const emit = WebSocket.prototype.emit;
WebSocket.prototype.emit = function (this: WebSocket, event: string | symbol, ...values: unknown[]): boolean {
  if (event === "message") {
    const at = performance.now();
    const text = String(values[0]);
    if (text.includes('"run.start"')) {
      const frame = JSON.parse(text) as { type: string; body: { runId: string } };
      if (frame.type === "run.start") arrived.set(frame.body.runId, at);
    }
  }
  return Reflect.apply(emit, this, [event, ...values]) as boolean;
};

/** The run of this directory is given to its supervisor now. False when it is none that was ordered, or it was given before. */
function given(directory: string): boolean {
  const runId = basename(directory);
  const at = arrived.get(runId);
  if (at === undefined) return false;
  const dispatch = performance.now() - at;
  arrived.delete(runId);
  process.stderr.write(`${JSON.stringify({ dispatch })}\n`);
  return true;
}

const spawn = childProcess.spawn;
childProcess.spawn = ((command: string, args: readonly string[], options: childProcess.SpawnOptions) => {
  if (!given(args.at(-1) ?? "")) return spawn(command, args, options);
  const supervisor = spawn(process.env["BENCH_EXECUTABLE"] ?? "", args.slice(args.indexOf("exec")), options);
  const { stdin } = supervisor;
  if (stdin !== null) {
    const write = stdin.write.bind(stdin) as (text: string) => boolean;
    stdin.write = ((text: string) => {
      given(text.trim());
      return write(text);
    }) as typeof stdin.write;
  }
  return supervisor;
}) as typeof childProcess.spawn;
syncBuiltinESMExports();

const { run } = await import("../../src/commands/run.ts");
process.exit(await run([]));
