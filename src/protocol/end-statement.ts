import { clip } from "../base/clip.ts";
import { fields, oneOf, optional, readShape, type Shape, text, textLike, whole } from "../base/shape.ts";
import { BOUNDS } from "./bounds.ts";
import type { FailureCategory } from "./failure-category.ts";
import type { LogEnd } from "./messages.ts";
import { type SecretReads, secretReadsShape } from "./secret-reads.ts";

/** Why the wrapper says that a run failed. What a cluster does to a pod is not its to tell. */
export type StatedCategory = Extract<
  FailureCategory,
  "SecretUnresolved" | "ConfigError" | "StartFailed" | "DeadlineExceeded"
>;

/**
 * What the wrapper in a pod leaves behind in the container's termination message: how the program ended, and what its masked
 * output came to. It explains an end and never proves one: the exit code in the pod's status does that, since the program
 * in the same container could write here as well.
 */
export interface EndStatement {
  readonly version: 1;
  /** Of the program, when it exited by itself. */
  readonly exitCode?: number;
  /** That ended the program. */
  readonly signal?: string;
  /** Present when the program was not started, or ran too long. Then `summary`, `detail` and `advice` are too. */
  readonly category?: StatedCategory;
  /** One sentence, masked. */
  readonly summary?: string;
  readonly detail?: string;
  readonly advice?: string;
  /** All output of the container, as its log holds it when it is complete. */
  readonly log?: LogEnd;
  /** So many processes of the container were killed by the kernel for lack of memory; absent for none. */
  readonly memoryKills?: number;
  /** How often the secret store was read, and how that ended. */
  readonly secretReads?: SecretReads;
}

/** What a termination message holds at most; the kubelet cuts off the rest (pod's `terminationMessagePath`). */
export const MAX_STATEMENT_BYTES = 4096;

const LIMITS = { summary: 500, detail: 4000, advice: 500 } as const;
const SHORTEST_DETAIL = 80;

/** The text to leave behind, at most `MAX_STATEMENT_BYTES` long: texts are shortened until it fits, `detail` first. */
export function endStatementText(statement: EndStatement): string {
  const { detail, summary, advice, ...rest } = statement;
  const build = (most: number): string => {
    return JSON.stringify({
      ...rest,
      ...(summary === undefined ? {} : { summary: clip(summary, Math.min(LIMITS.summary, most)) }),
      ...(advice === undefined ? {} : { advice: clip(advice, Math.min(LIMITS.advice, most)) }),
      ...(detail === undefined ? {} : { detail: clip(detail, Math.min(LIMITS.detail, most)) }),
    });
  };
  let most: number = LIMITS.detail;
  let built = build(most);
  while (bytesOf(built) > MAX_STATEMENT_BYTES && most > SHORTEST_DETAIL) {
    most = Math.max(SHORTEST_DETAIL, Math.floor(most * 0.8));
    built = build(most);
  }
  return built;
}

const logEnd: Shape<LogEnd> = fields<LogEnd>({
  bytes: whole(BOUNDS.logBytes),
  sha256: textLike(/^[0-9a-f]{64}$/, "a SHA-256 in hexadecimal digits"),
});

const FIELDS: { readonly [K in keyof EndStatement]-?: Shape<EndStatement[K] & {}> } = {
  version: oneOf(1),
  exitCode: optional(whole(BOUNDS.exitCode)),
  signal: optional(textLike(/^SIG[A-Z0-9]{1,12}$/, "a signal's name")),
  category: optional(oneOf("SecretUnresolved", "ConfigError", "StartFailed", "DeadlineExceeded")),
  summary: optional(text),
  detail: optional(text),
  advice: optional(text),
  log: optional(logEnd),
  memoryKills: optional(whole(BOUNDS.count)),
  secretReads: optional(secretReadsShape),
};
const shape: Shape<EndStatement> = fields<EndStatement>(FIELDS as never);

/**
 * The statement in a termination message; undefined for a message that is something else. Fields that this version doesn't
 * know are left out; a known one of the wrong kind makes the whole worthless.
 */
export function readEndStatement(message: string | undefined): EndStatement | undefined {
  if (message === undefined || !message.startsWith("{") || message.length > MAX_STATEMENT_BYTES) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return undefined;
  }
  const known = Object.fromEntries(Object.entries(parsed as object).filter(([name]) => Object.hasOwn(FIELDS, name)));
  const { value } = readShape(shape, known);
  if (value === undefined) return undefined;
  return {
    ...value,
    ...(value.summary === undefined ? {} : { summary: clip(value.summary, LIMITS.summary) }),
    ...(value.detail === undefined ? {} : { detail: clip(value.detail, LIMITS.detail) }),
    ...(value.advice === undefined ? {} : { advice: clip(value.advice, LIMITS.advice) }),
  };
}

function bytesOf(built: string): number {
  return new TextEncoder().encode(built).length;
}
