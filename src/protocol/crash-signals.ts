/** What a program does that the system ends with such a signal: nobody has sent it. */
const CRASHES: Readonly<Record<string, string>> = {
  SIGSEGV: "it reached for memory that isn't its own",
  SIGBUS: "it reached for memory that can't be there, of a file cut short or a full shared memory",
  SIGILL: "it has an instruction that this processor doesn't know",
  SIGFPE: "it divided whole numbers by zero, or the like",
  SIGABRT: "it gave itself up (abort)",
  SIGSYS: "it made a system call that isn't allowed here",
  SIGTRAP: "it ran into a breakpoint",
};

const ADVICE =
  "Read the last log lines: this is a fault of the program or of a native library it loads, and no signal from outside; try another version, or one built for this processor";

/** How a crash is told; undefined for signals that somebody sends. */
export function crashBy(signal: string): { readonly words: string; readonly advice: string } | undefined {
  const what = Object.hasOwn(CRASHES, signal) ? CRASHES[signal] : undefined;
  return what === undefined ? undefined : { words: `crashed with ${signal}: ${what}`, advice: ADVICE };
}

/** Exit codes by which a shell passes such an end on: 128 and the signal's number on Linux. */
const CODES: Readonly<Record<number, string>> = {
  132: "SIGILL",
  133: "SIGTRAP",
  134: "SIGABRT",
  135: "SIGBUS",
  136: "SIGFPE",
  139: "SIGSEGV",
  159: "SIGSYS",
};

/** The crash that an exit code stands for. */
export function crashByCode(exitCode: number): ReturnType<typeof crashBy> {
  return crashBy(CODES[exitCode] ?? "");
}
