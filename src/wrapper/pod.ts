import { systemClock } from "../base/clock.ts";
import { CodedError, describeError, errorCode } from "../base/errors.ts";
import { createLog } from "../base/log.ts";
import { type EndStatement, endStatementText } from "../protocol/end-statement.ts";
import type { SecretReads } from "../protocol/secret-reads.ts";
import { runningChildren } from "../runtime/child.ts";
import { memoryKills } from "../runtime/memory-kills.ts";
import { reapOrphans } from "../runtime/reaper.ts";
import { onSignals, processId, writeError } from "../runtime/system.ts";
import { writeTermination } from "../runtime/termination-log.ts";
import { openProvider } from "../secrets/catalogue.ts";
import type { SecretProvider } from "../secrets/provider.ts";
import { exitCodeOf, exitCodeOfSignal } from "./exit-code.ts";
import { openPodOutput, type PodOutput } from "./pod-output.ts";
import { type PodRequest, readPodRequest, terminationLog } from "./pod-request.ts";
import { countReads } from "./secret-reads.ts";
import { runWrapped, type WrappedEnd } from "./wrapper.ts";

/*
 * The wrapper is process 1 of its container. For that process the kernel drops a TERM nobody listens for, so it listens before
 * anything else; and what the program leaves behind becomes its child, whose remains it takes up (reaper.ts). The container's end
 * kills all that still lives in it.
 */

type Variables = Readonly<Record<string, string>>;

/** How the wrapped program ended, and how often the secret store was asked for it. */
interface PodRun {
  readonly end: WrappedEnd;
  readonly secretReads: SecretReads;
}

/**
 * `exec --pod -- PROGRAM…`: runs the program of an ingestion pod by the manifest's word (wrapper-place.ts), with all output masked
 * on standard output, and leaves an end statement as the container's termination message. Answers the exit code.
 */
export async function wrapInPod(args: readonly string[], environment: Variables): Promise<number> {
  const stop = new AbortController();
  const takeBack = onSignals(["SIGTERM", "SIGINT", "SIGHUP"], (signal) => stop.abort(signal));
  // Where it isn't process 1, as in a pod whose containers share their processes, somebody else takes them up.
  const stopReaping = processId() === 1 ? reapOrphans(runningChildren, systemClock) : () => undefined;
  const killsBefore = (await memoryKills()) ?? 0;
  const output = openPodOutput();
  try {
    const { end, secretReads } = await runRequested(args, environment, output, stop.signal);
    if (end.kind === "notStarted") await output.write(`${end.category}: ${end.detail}\n  next: ${end.advice}\n`);
    const exitCode = exitCodeOf(end);
    const kills = ((await memoryKills()) ?? 0) - killsBefore;
    const facts = { log: await output.end(), secretReads, ...(kills > 0 ? { memoryKills: kills } : {}) };
    await leaveStatement({ ...statementOf(end), ...facts }, environment);
    return exitCode;
  } catch (error) {
    // Whoever read our output has left, and the program was ended for it, as a pipe would have done.
    if (errorCode(error) !== "EPIPE") throw error;
    await leaveStatement({ version: 1, signal: "SIGPIPE" }, environment);
    return exitCodeOfSignal("SIGPIPE");
  } finally {
    output.close();
    stopReaping();
    takeBack();
  }
}

async function runRequested(
  args: readonly string[],
  environment: Variables,
  output: PodOutput,
  stop: AbortSignal,
): Promise<PodRun> {
  let request: PodRequest;
  let store: SecretProvider;
  try {
    request = await readPodRequest(args, environment);
    // A KUBECONFIG here is the program's: the wrapper reads secrets as the pod's service account.
    const { KUBECONFIG: _program, ...own } = environment;
    store = await openProvider(request.secrets, own);
  } catch (error) {
    return { end: badRequest(error), secretReads: {} };
  }
  const { provider, reads } = countReads(store);
  try {
    const end = await runWrapped({
      ...request,
      provider,
      clock: systemClock,
      log: createLog({ clock: systemClock, level: "warn", format: "text", write: (line) => void output.write(line) }),
      output: output.write,
      onNote: (note) => output.write(`[hybrid-runner: ${note}]\n`),
      stop,
      onStarted: async () => undefined,
    });
    return { end, secretReads: reads() };
  } finally {
    await provider.dispose();
  }
}

function badRequest(error: unknown): WrappedEnd {
  if (!(error instanceof CodedError)) throw error;
  const { message: summary, advice } = error;
  return { kind: "notStarted", category: "ConfigError", summary, detail: describeError(error), advice };
}

function statementOf(end: WrappedEnd): EndStatement {
  switch (end.kind) {
    case "exited":
      return { version: 1, exitCode: end.exitCode };
    case "signaled":
      return { version: 1, signal: end.signal };
    case "stopped":
      return {
        version: 1,
        ...(end.exitCode === undefined ? {} : { exitCode: end.exitCode }),
        ...(end.signal === undefined ? {} : { signal: end.signal }),
      };
    case "timedOut":
      return {
        version: 1,
        category: "DeadlineExceeded",
        summary: "The ingestion program ran longer than it may",
        advice: "Raise the pipeline's timeout, or find out why the source takes so long",
      };
    case "notStarted": {
      const { category, summary, detail, advice } = end;
      return { version: 1, category, summary, detail, advice };
    }
  }
}

/** Its absence costs an explanation and nothing else, so a place that can't be written doesn't change the end. */
async function leaveStatement(statement: EndStatement, environment: Variables): Promise<void> {
  try {
    await writeTermination(terminationLog(environment), endStatementText(statement));
  } catch (error) {
    await writeError(`The end statement can't be written: ${describeError(error)}\n`);
  }
}
