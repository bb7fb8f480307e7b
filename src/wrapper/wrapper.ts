import { clip } from "../base/clip.ts";
import { type Clock, sleep } from "../base/clock.ts";
import { CodedError, describeError, isKind } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { JsonObject } from "../protocol/messages.ts";
import { type Child, type ChildExit, startChild } from "../runtime/child.ts";
import { CHILD_ERRORS } from "../runtime/child-errors.ts";
import { groupLives } from "../runtime/process.ts";
import { place } from "../runtime/system.ts";
import { SECRET_ERRORS } from "../secrets/errors.ts";
import type { SecretProvider } from "../secrets/provider.ts";
import { createRedactor, type Redactor } from "../secrets/redactor.ts";
import { showReference } from "../secrets/reference.ts";
import { createResolver } from "../secrets/resolver.ts";
import { isWorthMasking } from "../secrets/secret-pieces.ts";
import { botTokens } from "./bot-token.ts";
import { credentialsIn } from "./credential-variables.ts";
import { WRAPPER_ERRORS } from "./errors.ts";
import { type HandOver, handOver } from "./hand-over.ts";
import { maskOutput } from "./masked-output.ts";
import { nearReferencesIn } from "./near-references.ts";

/** All that the wrapper needs to run one program once. */
export interface WrapperOptions {
  /** Program and arguments; an argument may contain `{config}`, the path of the configuration file. */
  readonly command: readonly string[];
  /** The program's environment, already free of the runner's credentials. Values that begin with `secret:` are resolved. */
  readonly environment: Readonly<Record<string, string>>;
  /** The program's working directory; the wrapper's own when absent. */
  readonly cwd?: string;
  /** The configuration with its references; absent means that the program gets none. */
  readonly config?: JsonObject;
  readonly pipelineType?: string;
  readonly runId?: string;
  /** For the variable `ingestionPipelineFQN`; taken from the configuration when absent. */
  readonly fullyQualifiedName?: string;
  /** Stays the caller's to dispose. */
  readonly provider: SecretProvider;
  readonly clock: Clock;
  readonly log: Log;
  /** Takes masked output in the order it came; awaited, so a slow receiver slows the program down instead of filling memory. */
  readonly output: (maskedText: string) => Promise<void>;
  /** Abort means: end the program (TERM to its group, KILL after the grace). */
  readonly stop: AbortSignal;
  readonly graceMs: number;
  /** From the call of `runWrapped`, resolution included. */
  readonly timeoutMs?: number;
  /** Value of HYBRID_RUNNER_RUN_MARK in the program's environment, by which its strayed children are found; absent in a pod. */
  readonly mark?: string;
  /** Variables whose values are masked beside those that are named like credentials; `*` at the beginning or end. */
  readonly maskedVariables?: readonly string[];
  /** Told what whoever reads the output should know beside it. */
  readonly onNote?: (note: string) => Promise<void>;
  /** Told the program's process id (also its group's) as soon as it runs; output is taken meanwhile. */
  readonly onStarted: (pid: number) => Promise<void>;
}

/** How it ended. Every text in it is masked already. */
export type WrappedEnd =
  | { readonly kind: "exited"; readonly exitCode: number }
  | { readonly kind: "signaled"; readonly signal: string }
  | { readonly kind: "stopped"; readonly exitCode?: number; readonly signal?: string }
  | { readonly kind: "timedOut" }
  | {
      readonly kind: "notStarted";
      readonly category: "SecretUnresolved" | "ConfigError" | "StartFailed";
      /** With `StartFailed`: whether the program is missing, may not be executed, or something else. */
      readonly reason?: string;
      readonly summary: string;
      readonly detail: string;
      readonly advice: string;
    };

const TIMED_OUT = Symbol("timed out");
const GROUP_POLL_MS = 50;
const MAX_SUMMARY = 500;

/**
 * Resolves the references, starts the program, masks its output and tells how it ended.
 * What goes wrong before the program runs is an end of kind `notStarted`, not a throw.
 * No process of the program's group and no file with a resolved value is left, whatever happens.
 * @throws whatever `output` or `onStarted` throw, after the program has been killed
 */
export async function runWrapped(options: WrapperOptions): Promise<WrappedEnd> {
  const limit = new AbortController();
  const cancelLimit =
    options.timeoutMs === undefined
      ? undefined
      : options.clock.schedule(options.timeoutMs, () => limit.abort(TIMED_OUT));
  const ending = AbortSignal.any([options.stop, limit.signal]);
  try {
    return await resolveAndRun(options, ending);
  } finally {
    cancelLimit?.();
  }
}

async function resolveAndRun(options: WrapperOptions, ending: AbortSignal): Promise<WrappedEnd> {
  let redactor: Redactor = createRedactor([]);
  let handed: HandOver | undefined;
  try {
    const resolver = createResolver({ provider: options.provider, clock: options.clock });
    const { config, environment } = options;
    const tree = { environment: { ...environment }, ...(config === undefined ? {} : { config }) };
    const { value, secrets } = await resolver.resolveTree(tree, ending);
    const resolved = value as { readonly environment: Record<string, string>; readonly config?: JsonObject };
    redactor = createRedactor([
      ...secrets.map((secret) => secret.value.reveal()),
      ...botTokens(resolved.config),
      ...credentialsIn(resolved.environment, options.maskedVariables),
    ]);
    for (const note of nearReferencesIn(tree)) {
      if (options.onNote === undefined) options.log.warn("A text looks like a reference to a secret", { note });
      else await options.onNote(note);
    }
    for (const { reference, value } of secrets) {
      if (value.reveal() === "" || isWorthMasking(value.reveal())) continue;
      const shown = redactor.mask(showReference(reference));
      options.log.warn("A secret is too short or too plain to be masked in the output", { reference: shown });
      await options.onNote?.(
        `the value of ${shown} has fewer than 4 characters, or is a common word or a row of signs, so it is not masked in this log`,
      );
    }
    // The loopback relay sits here: started with the resolved secrets before the program, its address put in place of the
    // server's in `resolved.config`, closed after the program. It resolves what comes in and puts references back into what goes out.
    handed = await handOver({
      ...options,
      environment: resolved.environment,
      config: resolved.config,
      pipelineType: options.pipelineType,
      runId: options.runId,
      fullyQualifiedName: options.fullyQualifiedName,
      mark: options.mark,
    });
    return await runProgram(options, handed, redactor, ending);
  } catch (error) {
    const end = ending.aborted && error === ending.reason ? askedEnd(ending, {}) : notStarted(error, redactor);
    if (end === undefined) throw error;
    return end;
  } finally {
    await handed?.clear();
  }
}

async function runProgram(
  options: WrapperOptions,
  handed: HandOver,
  redactor: Redactor,
  ending: AbortSignal,
): Promise<WrappedEnd> {
  ending.throwIfAborted();
  const { clock } = options;
  const output = maskOutput(redactor, clock, options.output);
  const child = await startChild({
    command: handed.program,
    args: handed.args,
    env: handed.env,
    cwd: options.cwd ?? place().cwd,
    clock,
    ownGroup: true,
    stdin: "ignore",
    onStdout: output.stdout,
    onStderr: output.stderr,
  });
  const ender = endOnAbort(child, ending, options.graceMs, clock);
  try {
    await options.onStarted(child.pid);
    const exit = await child.exited;
    await ender.groupEnded();
    await output.end();
    return ender.asked() ? (askedEnd(ending, exit) ?? ownEnd(exit)) : ownEnd(exit);
  } finally {
    ender.close();
    child.signalGroup("SIGKILL");
    await child.ended;
  }
}

interface Ender {
  /** True when the program was told to end before it ended by itself. */
  asked(): boolean;
  /** Resolves when the group is empty or its grace is over; at once when nobody asked for the end. */
  groupEnded(): Promise<void>;
  close(): void;
}

function endOnAbort(child: Child, ending: AbortSignal, graceMs: number, clock: Clock): Ender {
  let running = true;
  let killAt: number | undefined;
  let cancelKill: (() => void) | undefined;
  const onAbort = (): void => {
    if (!running || killAt !== undefined) return;
    killAt = clock.monotonic() + graceMs;
    child.signalGroup("SIGTERM");
    cancelKill = clock.schedule(graceMs, () => child.signalGroup("SIGKILL"));
  };
  child.ended.then(() => {
    running = false;
  });
  ending.addEventListener("abort", onAbort, { once: true });
  if (ending.aborted) onAbort();
  return {
    asked: () => killAt !== undefined,
    async groupEnded() {
      while (killAt !== undefined && clock.monotonic() < killAt && (await groupLives(child.pid)))
        await sleep(clock, GROUP_POLL_MS);
    },
    close() {
      ending.removeEventListener("abort", onAbort);
      cancelKill?.();
    },
  };
}

function ownEnd(exit: ChildExit): WrappedEnd {
  if (exit.exitCode !== null) return { kind: "exited", exitCode: exit.exitCode };
  return { kind: "signaled", signal: exit.signal ?? "unknown" };
}

function askedEnd(ending: AbortSignal, exit: Partial<ChildExit>): WrappedEnd {
  if (ending.reason === TIMED_OUT) return { kind: "timedOut" };
  return {
    kind: "stopped",
    ...(typeof exit.exitCode === "number" ? { exitCode: exit.exitCode } : {}),
    ...(typeof exit.signal === "string" ? { signal: exit.signal } : {}),
  };
}

/** The end of a run whose program never ran; undefined for an error that means something else. */
function notStarted(error: unknown, redactor: Redactor): WrappedEnd | undefined {
  const category = categoryOf(error);
  if (category === undefined || !(error instanceof CodedError)) return undefined;
  return {
    kind: "notStarted",
    category,
    ...(typeof error.facts["reason"] === "string" ? { reason: error.facts["reason"] } : {}),
    summary: clip(redactor.mask(error.message), MAX_SUMMARY),
    detail: redactor.mask(describeError(error)),
    advice: clip(redactor.mask(error.advice), MAX_SUMMARY),
  };
}

function categoryOf(error: unknown): "SecretUnresolved" | "ConfigError" | "StartFailed" | undefined {
  if (isKind(error, SECRET_ERRORS.SecretUnresolved)) return "SecretUnresolved";
  if (isKind(error, CHILD_ERRORS.ProgramStartFailed) || isKind(error, WRAPPER_ERRORS.ConfigFileFailed))
    return "StartFailed";
  const config = [SECRET_ERRORS.TreeTooLarge, ...Object.values(WRAPPER_ERRORS)];
  return config.some((kind) => isKind(error, kind)) ? "ConfigError" : undefined;
}
