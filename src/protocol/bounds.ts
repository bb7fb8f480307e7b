/** The least and the most a number may be, and what it counts. */
export interface Bound {
  readonly least: number;
  readonly most: number;
  readonly meaning: string;
}

/** What each number may be; the keys of `BOUNDS`. */
export type BoundName =
  | "timestamp"
  | "generation"
  | "epoch"
  | "seq"
  | "attempt"
  | "logBytes"
  | "exitCode"
  | "count"
  | "protocolVersion"
  | "maxConcurrentRuns"
  | "heartbeatSeconds"
  | "silenceSeconds"
  | "reconnectSpreadSeconds"
  | "retryAfterSeconds"
  | "timeoutSeconds"
  | "retries"
  | "retryDelaySeconds";

/**
 * Bounds of every number that travels or is stored, wide enough for whatever is meant honestly, and so narrow that adding 1,
 * counting milliseconds or storing it can't leave the integers that every side holds exactly (2^53 - 1). What a peer, a file
 * or a person tells is held against them before it is used. The table in docs/protocol.md is generated from here.
 */
export const BOUNDS: { readonly [N in BoundName]: Bound } = {
  timestamp: { least: 0, most: 253_402_300_799_999, meaning: "epoch milliseconds, to the end of the year 9999" },
  generation: { least: 1, most: 1_000_000_000_000_000, meaning: "counts the versions of one pipeline" },
  epoch: { least: 1, most: 1_000_000_000_000_000, meaning: "counts the sessions of one runner; 0 before `welcome`" },
  seq: { least: 1, most: 1_000_000_000_000_000, meaning: "counts the updates of one session" },
  attempt: { least: 1, most: 1_000_000, meaning: "counts the attempts of one run" },
  logBytes: { least: 0, most: 10_000_000_000_000, meaning: "length of a log or a place in it, in bytes" },
  exitCode: { least: -2_147_483_648, most: 4_294_967_295, meaning: "what a program exits with, on any system" },
  count: { least: 0, most: 1_000_000_000, meaning: "how many there are of something" },
  protocolVersion: { least: 1, most: 65_535, meaning: "a version of this protocol" },
  maxConcurrentRuns: { least: 1, most: 10_000, meaning: "runs that may be live on one runner at once" },
  heartbeatSeconds: { least: 1, most: 60, meaning: "between two signs of life" },
  silenceSeconds: { least: 2, most: 120, meaning: "from the last sign of life to the end of a session" },
  reconnectSpreadSeconds: { least: 1, most: 60, meaning: "over which runners shall come back" },
  retryAfterSeconds: { least: 1, most: 86_400, meaning: "before a runner shall dial again" },
  timeoutSeconds: { least: 1, most: 31_536_000, meaning: "how long a run may take: at most a year" },
  retries: { least: 0, most: 10, meaning: "how often a failed run is tried again" },
  retryDelaySeconds: { least: 0, most: 86_400, meaning: "from a failed attempt to the next" },
};

/** True for a whole number within the bound. */
export function isWithin({ least, most }: Bound, value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}
