import { systemClock } from "../base/clock.ts";
import { errorCode, explainError, isKind } from "../base/errors.ts";
import { createLog } from "../base/log.ts";
import type { FlagTable } from "../runtime/arguments.ts";
import { RUNTIME_ERRORS } from "../runtime/errors.ts";
import { openStandardOutput } from "../runtime/standard-output.ts";
import { environment, onSignals, writeError } from "../runtime/system.ts";
import type { ExecRequest, WrapRequest } from "../wrapper/exec-request.ts";
import { EXIT, exitCodeOf, exitCodeOfSignal } from "../wrapper/exit-code.ts";

/** Loaded only to be explained: a run waits until its wrapper is loaded. */
export const flags = async (): Promise<FlagTable> => (await import("../wrapper/exec-request.ts")).EXEC_FLAGS;

/**
 * `hybrid-runner exec`: the wrapper. Resolves the references in `config` and in the other variables, starts the program and
 * answers its exit code (128 + n for a signal), or 70 for an unresolved secret, 78 for a bad configuration, 126 or 127 for a
 * program that can't be started, 124 after a timeout. TERM, INT and HUP end the program. With `--run-directory` it supervises
 * one run of the process executor, with `--pod` it is the wrapper of an ingestion pod (wrapper-place.ts).
 */
export async function run(args: readonly string[]): Promise<number> {
  // The forms in which a runner calls it, looked for first: a run waits until its wrapper is loaded.
  const [flag, directory, ...more] = args;
  if (flag === "--run-directory" && directory !== undefined && more.length === 0) return superviseIn(directory);
  if (flag === "--pod") return (await import("../wrapper/pod.ts")).wrapInPod(args.slice(1), environment());
  const { readExecRequest } = await import("../wrapper/exec-request.ts");
  let request: ExecRequest;
  try {
    request = readExecRequest(args, environment());
  } catch (error) {
    if (isKind(error, RUNTIME_ERRORS.UsageError)) throw error;
    await writeError(`${explainError(error)}\n`);
    return EXIT.badConfig;
  }
  return request.kind === "wrap" ? wrap(request) : superviseIn(request.runDirectory);
}

async function superviseIn(runDirectory: string): Promise<number> {
  return (await import("../wrapper/supervisor.ts")).supervise(runDirectory);
}

async function wrap(request: WrapRequest): Promise<number> {
  const { openProvider } = await import("../secrets/catalogue.ts");
  const { runWrapped } = await import("../wrapper/wrapper.ts");
  const stop = new AbortController();
  const takeBack = onSignals(["SIGTERM", "SIGINT", "SIGHUP"], (signal) => stop.abort(signal));
  const output = openStandardOutput();
  const provider = await openProvider(request.secrets, environment());
  try {
    const end = await runWrapped({
      ...request,
      provider,
      clock: systemClock,
      log: createLog({ clock: systemClock, level: "warn", format: "text", write: (line) => void writeError(line) }),
      output: output.write,
      stop: stop.signal,
      mark: crypto.randomUUID(),
      onStarted: async () => undefined,
    });
    if (end.kind === "notStarted") {
      await writeError(`${end.category}: ${end.detail}\n  next: ${end.advice}\n`);
    }
    return exitCodeOf(end);
  } catch (error) {
    // Whoever read our output has left, and the program was ended for it, as a pipe would have done.
    if (errorCode(error) === "EPIPE") return exitCodeOfSignal("SIGPIPE");
    throw error;
  } finally {
    await provider.dispose();
    output.close();
    takeBack();
  }
}
