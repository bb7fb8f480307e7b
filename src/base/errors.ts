import { clip } from "./clip.ts";

/** One kind of failure: a stable code, whether trying again can help, and what a person should do next. */
export interface ErrorKind<Code extends string = string> {
  /** Stable, unique in the whole project (tested), in UpperCamelCase; what documents and alerts refer to. */
  readonly code: Code;
  /** True when the same attempt may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /** What to do next, one sentence without a full stop. */
  readonly advice: string;
}

/** Declares the error kinds of one folder; each folder keeps its own in a file named `errors.ts`. */
export function defineErrors<Code extends string>(
  kinds: Readonly<Record<Code, { retryable: boolean; advice: string }>>,
): { readonly [C in Code]: ErrorKind<C> } {
  const defined: Record<string, ErrorKind> = {};
  for (const [code, kind] of Object.entries<{ retryable: boolean; advice: string }>(kinds)) {
    defined[code] = Object.freeze({ code, ...kind });
  }
  return Object.freeze(defined) as { readonly [C in Code]: ErrorKind<C> };
}

/** What an error may carry beside its message. */
export interface CodedErrorOptions {
  readonly cause?: unknown;
  /** Replaces the advice of the kind where this occurrence knows better. */
  readonly advice?: string;
  /** Facts for programs (ids, paths, limits). Never a resolved secret. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * The one error class of the project. The message says what was tried and what was found,
 * in the form "Cannot <act> <thing>: <state>", without a full stop and without any secret value.
 */
export class CodedError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly advice: string;
  readonly facts: Readonly<Record<string, string | number | boolean>>;

  constructor(kind: ErrorKind, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = kind.code;
    this.code = kind.code;
    this.retryable = kind.retryable;
    this.advice = options.advice ?? kind.advice;
    this.facts = options.facts ?? {};
  }
}

/** True when `error` is of the given kind. */
export function isKind(error: unknown, kind: ErrorKind): error is CodedError {
  return error instanceof CodedError && error.code === kind.code;
}

/** The message chain of any thrown value, joined by ": "; never throws itself, never longer than 2,000 characters. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 5 && current !== undefined && current !== null; depth++) {
    const text = messageOf(current);
    if (text !== "" && !parts.some((part) => part.includes(text))) parts.push(text);
    current = typeof current === "object" && "cause" in current ? current.cause : undefined;
  }
  return clip(parts.join(": ") || "unknown error", 2000);
}

/** The text printed to a person: code, message and the next step. */
export function explainError(error: unknown): string {
  if (!(error instanceof CodedError)) return describeError(error);
  return `${error.code}: ${describeError(error)}\n  next: ${error.advice}`;
}

/** Marks a branch that the types say can't be reached. */
export function assertNever(value: never, what: string): never {
  throw new TypeError(`Unexpected ${what}: ${String(value)}`);
}

/** The `code` property of a thrown value (`ENOENT`, `ECONNREFUSED`, our own), or undefined. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

function messageOf(value: unknown): string {
  try {
    if (value instanceof AggregateError && value.message === "") return value.errors.map(messageOf).join(", ");
    if (value instanceof Error) return value.message === "" ? value.name : value.message;
    return String(value);
  } catch {
    return "an error that can't be printed";
  }
}
