import { readFileSync } from "node:fs";
import os from "node:os";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { errorCode } from "../base/errors.ts";
import { outputRefused } from "./standard-output.ts";

/*
 * The process this program is: environment, arguments, output, signals, exit.
 * Together with its neighbours in this folder the only code that knows which runtime it is on.
 */

/** A copy of the environment. */
export function environment(): Readonly<Record<string, string>> {
  const copy: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) copy[name] = value;
  return copy;
}

/** Arguments of the command line, without runtime and script. */
export function commandArguments(): readonly string[] {
  return process.argv.slice(2);
}

/** Writes text to standard output; resolves when the stream has taken it, or its reader has gone. @throws CodedError OutputRefused */
export async function writeOut(text: string): Promise<void> {
  const failure = await writeTo(process.stdout, text);
  if (failure !== undefined && errorCode(failure) !== "EPIPE") throw outputRefused(failure);
}

/** Writes text to standard error; resolves when the stream has taken it. */
export async function writeError(text: string): Promise<void> {
  await writeTo(process.stderr, text);
}

/** True when standard output is a terminal. */
export function isTerminal(): boolean {
  return process.stdout.isTTY === true;
}

/** Calls `handler` at each of these signals; the answer takes it away again. */
export function onSignals(signals: readonly NodeJS.Signals[], handler: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of signals) process.on(signal, handler);
  return () => {
    for (const signal of signals) process.off(signal, handler);
  };
}

/** Ends the process now. */
export function exitNow(code: number): never {
  process.exit(code);
}

/** This process's id. */
export function processId(): number {
  return process.pid;
}

/** Working directory, host name, home and temporary directory; each is asked for when it is needed. */
export function place(): {
  readonly cwd: string;
  readonly host: string;
  /** Undefined for a user without HOME and without an account, such as containers give out. */
  readonly home: string | undefined;
  readonly temporary: string;
} {
  return {
    get cwd() {
      return process.cwd();
    },
    host: os.hostname(),
    get home() {
      try {
        return os.homedir() || undefined;
      } catch {
        return undefined;
      }
    },
    temporary: os.tmpdir(),
  };
}

/** Operating system, architecture and runtime, for people: `linux x64, node 26.10.0`. */
export function platformText(): string {
  const deno = process.versions["deno"];
  return `${process.platform} ${process.arch}, ${deno === undefined ? `node ${process.versions.node}` : `deno ${deno}`}`;
}

/** True inside the single executable (Node's SEA). */
export function isSingleExecutable(): boolean {
  if (process.versions["deno"] !== undefined) return false;
  return process.getBuiltinModule("node:sea").isSea();
}

/**
 * The command that starts this very program again, to which a role and its arguments are added:
 * the executable itself, where it was started through its loader that one with its options before it, or the runtime with src/main.ts.
 */
export function selfCommand(): readonly string[] {
  if (isSingleExecutable()) return isLoader(process.execPath) ? loaderCommand() : [process.execPath];
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  if (process.versions["deno"] !== undefined) return [process.execPath, "run", "-A", main];
  return [process.execPath, "--disable-sigusr1", "--disable-warning=ExperimentalWarning", main];
}

/** Started as `ld.so … PROGRAM`, a process is the loader to the system, and only its command line tells the program. */
function isLoader(path: string): boolean {
  return /^ld(-[a-z0-9_-]+)?\.so(\.\d+)?$/.test(basename(path));
}

/** Options of glibc's loader that take the next word (ld.so(8)). */
const LOADER_OPTIONS_WITH_VALUE = new Set([
  "--library-path",
  "--inhibit-rpath",
  "--audit",
  "--preload",
  "--argv0",
  "--glibc-hwcaps-prepend",
  "--glibc-hwcaps-mask",
]);

function loaderCommand(): readonly string[] {
  const [, ...words] = readFileSync("/proc/self/cmdline", "utf8").split("\0");
  let at = 0;
  while (words[at]?.startsWith("--") === true) at += LOADER_OPTIONS_WITH_VALUE.has(words[at] ?? "") ? 2 : 1;
  return [process.execPath, ...words.slice(0, at), resolve(words[at] ?? "")];
}

const guarded = new WeakSet<NodeJS.WriteStream>();

/** Whoever reads our output may leave at any time; that must not end the program. */
function writeTo(stream: NodeJS.WriteStream, text: string): Promise<Error | undefined> {
  if (!guarded.has(stream)) stream.on("error", () => undefined);
  guarded.add(stream);
  return new Promise((resolve) => {
    stream.write(text, (failure) => resolve(failure ?? undefined));
  });
}
