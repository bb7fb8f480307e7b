import type { Clock } from "../../base/clock.ts";
import { CodedError, describeError, isKind } from "../../base/errors.ts";
import type { Json } from "../../protocol/messages.ts";
import { EXECUTOR_ERRORS } from "../errors.ts";
import type { RunSpec } from "../executor.ts";
import { dataDirectoryAdvice } from "./data-directory-lock.ts";
import { parseRecord } from "./run-directory.ts";
import { intentShape, RECORD_VERSION, type RunIntent } from "./run-records.ts";

/** What every run of an executor has in common. */
export interface IntentOptions {
  readonly command: readonly string[];
  readonly secrets: Json;
  readonly maskedVariables?: readonly string[];
  readonly graceMs: number;
  readonly clock: Clock;
}

/** What is stored of a run before anything of it is started. @throws CodedError RunNotStored when a supervisor could not read it back */
export function intentOf(
  spec: RunSpec,
  { command, secrets, maskedVariables, graceMs, clock }: IntentOptions,
  environment: Readonly<Record<string, string>>,
  workingDirectory: string,
): RunIntent {
  const intent: RunIntent = {
    version: RECORD_VERSION,
    createdAt: clock.now(),
    spec,
    command,
    environment,
    ...(maskedVariables === undefined ? {} : { maskedVariables }),
    workingDirectory,
    secrets,
    graceMs,
    mark: crypto.randomUUID(),
  };
  try {
    return parseRecord(JSON.stringify(intent), "the run", intentShape);
  } catch (error) {
    throw notStored(spec.runId, error);
  }
}

/** The error of a run that can't be stored, with what to do about it. */
export function notStored(runId: string, error: unknown): CodedError {
  if (isKind(error, EXECUTOR_ERRORS.RunNotStored)) return error;
  const advice = dataDirectoryAdvice(error);
  return new CodedError(EXECUTOR_ERRORS.RunNotStored, `Cannot store run ${runId}: ${describeError(error)}`, {
    cause: error,
    ...(advice === undefined ? {} : { advice }),
  });
}
