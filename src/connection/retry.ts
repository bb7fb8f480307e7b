import { type BackoffLimits, backoffDelay } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import {
  CLOSE_CODES,
  type CloseCode,
  type CloseName,
  findCloseCode,
  findCloseCodeByStatus,
  type Retry,
} from "../protocol/close-codes.ts";

/** How a session, or the attempt to get one, ended. */
export interface Ending {
  /** A close name, or `disconnected` when the line just broke or never stood. */
  readonly reason: CloseName | "disconnected";
  readonly retry: Retry;
  /** What was found, for the log. */
  readonly message: string;
  /** The next step for a person. */
  readonly advice?: string;
  /** The gateway asked not to be dialled earlier. */
  readonly retryAfterSeconds?: number;
}

/** A session counts as good after this long; only then the delays start from the beginning again. */
export const STABLE_MS = 60_000;

/** A clock this far from the gateway's is told to people. */
export const CLOCK_WARNING_MS = 30_000;

const QUICK_BASE_MS = 1_000;
const QUICK_CAP_MS = 60_000;
const SLOW: BackoffLimits = { floorMs: 60_000, baseMs: 120_000, capMs: 600_000 };

/** Runners that were told the same time must not come at the same moment. */
const RETRY_AFTER_SPREAD_MS = 5_000;
/** A longer Retry-After is taken for a mistake of something in between. */
const RETRY_AFTER_CAP_SECONDS = 3_600;

const ADVICE: { readonly [N in CloseName]?: string } = {
  unauthorized: "Check that AGENT_ID is the runner id that the token was issued for, and that the token is still good",
  runnerIdInUse: "Give this runner an id of its own, or have an administrator rebind the id",
  unsupportedVersion: "Update the runner, or the gateway if it is the older one",
  badFrame: "Check that runner and gateway are of matching versions",
  retired: "Remove this installation, or have an administrator register the runner again",
  tooMany: "Wait, or have the gateway's session limit raised",
};

/** The ending of a session that was closed by name, by either side. */
export function endingByName(name: CloseName, message: string, retryAfterSeconds?: number): Ending {
  const row: CloseCode = CLOSE_CODES[name];
  const advice = ADVICE[name];
  return {
    reason: name,
    // `normal` is the runner's own word; from the other side it must not end the runner's work for good.
    retry: name === "normal" ? "now" : row.retry,
    message: message === "" ? row.meaning : message,
    ...(advice === undefined ? {} : { advice }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}

/** The ending of a session whose socket closed without a `close` frame. */
export function endingByCode(code: number, reason: string): Ending {
  const row = findCloseCode(code);
  if (row !== undefined && isCloseName(row.name) && row.name !== "normal") return endingByName(row.name, reason);
  const message = `the connection was lost (${code}${reason === "" ? "" : `, ${reason}`})`;
  return { reason: "disconnected", retry: "now", message };
}

/** The ending of a dial that brought no socket. */
export function endingByDial(error: unknown, clock: Clock): Ending {
  if (!(error instanceof CodedError)) return disconnected(error);
  const { status, refusal, retryAfterSeconds, date } = error.facts;
  if (typeof status !== "number") return disconnected(error);
  const after = typeof retryAfterSeconds === "number" ? retryAfterSeconds : undefined;
  const named = typeof refusal === "string" && isCloseName(refusal) ? refusal : undefined;
  const name = named ?? findCloseCodeByStatus(status)?.name;
  const message = error.message + clockNote(date, clock);
  if (name === undefined || !isCloseName(name)) {
    return { ...disconnected(error), message, ...(after === undefined ? {} : { retryAfterSeconds: after }) };
  }
  const ending = endingByName(name, message, after);
  // A bare status can come from any proxy on the way; only the gateway's own word ends the dialling for good.
  return ending.retry === "never" && named === undefined ? { ...ending, retry: "slow" } : ending;
}

/** The ending of an attempt that had no token to dial with. */
export function endingByToken(error: unknown): Ending {
  return { ...disconnected(error), reason: "unauthorized" };
}

/** Turns endings into delays; one lives as long as its connection. */
export class RetryPlan {
  readonly #clock: Clock;
  readonly #floorMs: number;
  #quick = 0;
  #slow = 0;
  #quickBaseMs = QUICK_BASE_MS;

  constructor(clock: Clock, floorMs: number) {
    this.#clock = clock;
    this.#floorMs = floorMs;
  }

  /** Milliseconds to wait after this ending; `readyForMs` is how long the session had stood, 0 without one. */
  delayAfter(ending: Ending, readyForMs: number): number {
    if (readyForMs >= STABLE_MS) {
      this.#quick = 0;
      this.#slow = 0;
    }
    return Math.max(this.#floorMs, this.#classDelay(ending), this.#askedDelay(ending));
  }

  /** There are so many runners that they shall come back over this time, and not all at once. */
  spreadOver(seconds: number): void {
    this.#quickBaseMs = Math.max(QUICK_BASE_MS, seconds * 1000);
  }

  #classDelay(ending: Ending): number {
    if (ending.retry === "now") {
      const limits = { floorMs: this.#floorMs, baseMs: this.#quickBaseMs, capMs: QUICK_CAP_MS };
      return backoffDelay(this.#quick++, limits, this.#clock);
    }
    // A process on standby asks at an even pace: it shall take over soon after the other one has died.
    const attempt = ending.reason === "superseded" ? 0 : this.#slow++;
    return backoffDelay(attempt, SLOW, this.#clock);
  }

  #askedDelay({ retryAfterSeconds }: Ending): number {
    if (retryAfterSeconds === undefined) return 0;
    const asked = Math.min(retryAfterSeconds, RETRY_AFTER_CAP_SECONDS) * 1000;
    return asked + Math.round(this.#clock.random() * RETRY_AFTER_SPREAD_MS);
  }
}

function disconnected(error: unknown): Ending {
  const advice = error instanceof CodedError ? { advice: error.advice } : {};
  return { reason: "disconnected", retry: "now", message: describeError(error), ...advice };
}

/** A token can be refused just because one of the clocks is wrong, so a refusal names the difference. */
function clockNote(date: unknown, clock: Clock): string {
  const offset = typeof date === "string" ? Date.parse(date) - clock.now() : Number.NaN;
  if (!(Math.abs(offset) > CLOCK_WARNING_MS)) return "";
  const seconds = Math.round(Math.abs(offset) / 1000);
  return `; this machine's clock is ${seconds} s ${offset > 0 ? "behind" : "ahead of"} the server's, check it first`;
}

function isCloseName(name: string): name is CloseName {
  return Object.hasOwn(CLOSE_CODES, name);
}
