import { signalNumber } from "../runtime/child.ts";
import type { WrappedEnd } from "./wrapper.ts";

/** Exit codes of ours beside the program's own: sysexits(3), the shell's 126 and 127, timeout(1)'s 124. */
export const EXIT = {
  unresolved: 70,
  badConfig: 78,
  timedOut: 124,
  notExecutable: 126,
  notFound: 127,
} as const;

const SIGNAL_BASE = 128;

/** What the wrapper exits with for an end: the program's own code, 128 + n for a signal, or one of ours. */
export function exitCodeOf(end: WrappedEnd): number {
  switch (end.kind) {
    case "exited":
      return end.exitCode;
    case "signaled":
      return exitCodeOfSignal(end.signal);
    case "stopped":
      return end.exitCode ?? exitCodeOfSignal(end.signal ?? "SIGTERM");
    case "timedOut":
      return EXIT.timedOut;
    case "notStarted":
      return notStartedCode(end);
  }
}

/** As a shell tells that a signal ended a program. */
export function exitCodeOfSignal(signal: string): number {
  return SIGNAL_BASE + signalNumber(signal);
}

function notStartedCode(end: Extract<WrappedEnd, { kind: "notStarted" }>): number {
  if (end.category === "SecretUnresolved") return EXIT.unresolved;
  if (end.category === "ConfigError") return EXIT.badConfig;
  return end.reason === "notFound" ? EXIT.notFound : EXIT.notExecutable;
}
