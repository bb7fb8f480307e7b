import { systemClock } from "../base/clock.ts";
import { createNarrator, wantsColours } from "../demo/narrator.ts";
import { DEMO_FLAGS, readDemoOptions } from "../demo/options.ts";
import { playDemo } from "../demo/story/play.ts";
import type { FlagTable } from "../runtime/arguments.ts";
import { environment, exitNow, isTerminal, onSignals, selfCommand, writeError, writeOut } from "../runtime/system.ts";

/** A terminal and npm may both pass on the same Ctrl-C: a signal so soon after the first is not a second wish. */
const SAME_SIGNAL_MS = 1000;

export const flags: FlagTable = DEMO_FLAGS;

/** `hybrid-runner demo [--once] [--json] [--directory DIR] [--keep]` */
export async function run(args: readonly string[]): Promise<number> {
  const options = readDemoOptions(args);
  const stop = new AbortController();
  let first: number | undefined;
  onSignals(["SIGINT", "SIGTERM", "SIGHUP"], (signal) => {
    first ??= systemClock.monotonic();
    if (systemClock.monotonic() - first > SAME_SIGNAL_MS) exitNow(1);
    stop.abort(new Error(`ended by ${signal}`));
  });
  const narrator = createNarrator({
    write: options.json ? writeError : writeOut,
    colours: !options.json && wantsColours(isTerminal(), environment()),
  });
  const verdict = await playDemo({
    ...options,
    self: selfCommand(),
    clock: systemClock,
    signal: stop.signal,
    narrator,
    warn: (line) => void writeError(line),
    onVerdict: async (found) => {
      if (options.json) await writeOut(`${JSON.stringify(found)}\n`);
    },
  });
  return verdict.ok ? 0 : 1;
}
