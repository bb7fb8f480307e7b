import { onSignals } from "../runtime/system.ts";

/** Resolves with the first TERM or INT; a second one calls `onSecond`. */
export function untilSignal(onSecond: () => void): Promise<string> {
  return new Promise((resolve) => {
    let seen = false;
    onSignals(["SIGTERM", "SIGINT"], (signal) => {
      if (seen) onSecond();
      seen = true;
      resolve(signal);
    });
  });
}
