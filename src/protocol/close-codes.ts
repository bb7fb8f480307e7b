/** What the runner does after a close: dial again with the usual backoff, dial rarely and say so loudly, or never. */
export type Retry = "now" | "slow" | "never";

/** One way a session ends. `code` is the WebSocket close code; the name travels in the `close` message too. */
export interface CloseCode {
  readonly code: number;
  readonly name: string;
  readonly meaning: string;
  readonly retry: Retry;
  /** HTTP status when the same refusal happens at the upgrade, before there is a session. */
  readonly httpStatus?: number;
}

/** Every close code of the protocol, by name. The table in docs/protocol.md is generated from here. */
export const CLOSE_CODES = {
  normal: { code: 1000, name: "normal", meaning: "the runner ends the session on purpose (shutdown)", retry: "never" },
  goingAway: {
    code: 1001,
    name: "goingAway",
    meaning: "the gateway shuts down or restarts",
    retry: "now",
    httpStatus: 503,
  },
  badFrame: {
    code: 4400,
    name: "badFrame",
    meaning: "a frame was not JSON, of unknown type, or not of its shape",
    retry: "slow",
    httpStatus: 400,
  },
  unauthorized: {
    code: 4401,
    name: "unauthorized",
    meaning: "the token is missing, wrong, expired or revoked",
    retry: "slow",
    httpStatus: 401,
  },
  runnerIdInUse: {
    code: 4403,
    name: "runnerIdInUse",
    meaning: "the runner id is bound to another installation",
    retry: "slow",
    httpStatus: 403,
  },
  unsupportedVersion: {
    code: 4406,
    name: "unsupportedVersion",
    meaning: "no protocol version in common, or the runner is older than the minimum",
    retry: "slow",
    httpStatus: 426,
  },
  verdictTimeout: {
    code: 4408,
    name: "verdictTimeout",
    meaning: "an operation, a greeting or the comparison of states took too long",
    retry: "now",
  },
  superseded: {
    code: 4409,
    name: "superseded",
    meaning: "a newer process of the same installation has the session; stand by",
    retry: "slow",
  },
  retired: {
    code: 4410,
    name: "retired",
    meaning: "an administrator removed this runner for good",
    retry: "never",
    httpStatus: 410,
  },
  frameTooLarge: { code: 4413, name: "frameTooLarge", meaning: "a frame was larger than the limit", retry: "slow" },
  staleEpoch: {
    code: 4425,
    name: "staleEpoch",
    meaning: "a frame carried an epoch that is not the session's",
    retry: "now",
  },
  tooMany: {
    code: 4429,
    name: "tooMany",
    meaning: "the gateway takes no more sessions for now",
    retry: "slow",
    httpStatus: 429,
  },
  internal: {
    code: 4500,
    name: "internal",
    meaning: "the other side failed; its log says why",
    retry: "now",
    httpStatus: 500,
  },
  silence: { code: 4504, name: "silence", meaning: "no byte arrived for longer than the limit", retry: "now" },
} as const;

/** Names of close codes, as they travel in `close`. */
export type CloseName = keyof typeof CLOSE_CODES;

/** What the runner does about a WebSocket close code; anything not in the table (1006 and the like) is a broken line. */
export function retryAfterClose(code: number): Retry {
  return findCloseCode(code)?.retry ?? "now";
}

/** The row of a WebSocket close code, or undefined. */
export function findCloseCode(code: number): CloseCode | undefined {
  return Object.values(CLOSE_CODES).find((row: CloseCode) => row.code === code);
}

/** The row of an HTTP status that refused the upgrade, or undefined. */
export function findCloseCodeByStatus(status: number): CloseCode | undefined {
  return Object.values(CLOSE_CODES).find((row: CloseCode) => row.httpStatus === status);
}
