import { CodedError } from "../../base/errors.ts";
import type { Failure } from "../../protocol/messages.ts";
import { RUN_STATES, type RunState } from "../../protocol/run-state.ts";
import { DEMO_ERRORS } from "../errors.ts";

/** What the demo reads of a run in the gateway's answers. */
export interface RunView {
  readonly runId: string;
  readonly state: RunState;
  readonly exitCode?: number;
  readonly failure?: Failure;
}

/** What the demo reads of a page of log. */
export interface LogView {
  readonly text: string;
  readonly nextOffset: number;
  readonly complete: boolean;
  readonly verified: boolean;
}

/** A run out of an answer. @throws CodedError DemoRequestRefused when it is none */
export function readRunView(body: unknown): RunView {
  const run = isObject(body) ? body : {};
  const { runId, state, exitCode, failure } = run;
  const known = RUN_STATES.find((name) => name === state);
  if (typeof runId !== "string" || known === undefined) throw unexpected("a run");
  return {
    runId,
    state: known,
    ...(typeof exitCode === "number" ? { exitCode } : {}),
    ...(isObject(failure) ? { failure: failure as Failure } : {}),
  };
}

/** A page of log out of an answer or event. @throws CodedError DemoRequestRefused when it is none */
export function readLogView(body: unknown): LogView {
  const page = isObject(body) ? body : {};
  const { text, nextOffset, complete, verified } = page;
  if (typeof text !== "string" || typeof nextOffset !== "number") throw unexpected("a page of log");
  return { text, nextOffset, complete: complete === true, verified: verified === true };
}

/** The text field of an answer. @throws CodedError DemoRequestRefused when there is none */
export function textField(body: unknown, name: string): string {
  const value = isObject(body) ? body[name] : undefined;
  if (typeof value !== "string") throw unexpected(`the field ${name}`);
  return value;
}

/** The field of an answer, whatever it is. */
export function field(body: unknown, name: string): unknown {
  return isObject(body) ? body[name] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unexpected(what: string): CodedError {
  return new CodedError(
    DEMO_ERRORS.DemoRequestRefused,
    `Cannot read the gateway's answer: it holds no ${what.replace(/^an? /, "")}`,
  );
}
