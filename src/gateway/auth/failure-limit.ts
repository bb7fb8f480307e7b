import type { Clock } from "../../base/clock.ts";
import { CodedError } from "../../base/errors.ts";
import { AUTH_ERRORS } from "./errors.ts";

/** How many failed authentications an address may make, and how many addresses are remembered. */
export interface FailureLimits {
  /** Failures that are free. */
  readonly burst: number;
  /** One failure is forgotten after so many milliseconds. */
  readonly forgetMs: number;
  readonly maxAddresses: number;
}

const DEFAULTS: FailureLimits = { burst: 20, forgetMs: 3_000, maxAddresses: 10_000 };

/** Slows down guessing: counts failed authentications by address. Each failure drains away after a while, so nobody is locked out for good. */
export class FailureLimit {
  readonly #clock: Clock;
  readonly #limits: FailureLimits;
  /** By address, when its last failure will be forgotten; in order of their last failure, so the first is the stalest. */
  readonly #clearAt = new Map<string, number>();

  constructor(clock: Clock, limits: FailureLimits = DEFAULTS) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Counts a failure of this address and throws it, or what is told instead once there were too many. @throws CodedError TooManyFailures, `failure` */
  refuse(address: string, failure: unknown): never {
    this.check(address);
    this.note(address);
    throw failure;
  }

  /** @throws CodedError TooManyFailures with the fact `retryAfterSeconds` */
  check(address: string): void {
    const over = this.#clearTime(address) - this.#clock.monotonic() - (this.#limits.burst - 1) * this.#limits.forgetMs;
    if (over <= 0) return;
    const retryAfterSeconds = Math.ceil(over / 1000);
    throw new CodedError(
      AUTH_ERRORS.TooManyFailures,
      `Cannot take the request: too many failed authentications from this address, wait ${retryAfterSeconds} s`,
      { facts: { retryAfterSeconds } },
    );
  }

  /** Counts one failure. */
  note(address: string): void {
    const most = this.#clock.monotonic() + this.#limits.burst * this.#limits.forgetMs;
    const clearAt = Math.min(most, this.#clearTime(address) + this.#limits.forgetMs);
    this.#clearAt.delete(address);
    this.#clearAt.set(address, clearAt);
    if (this.#clearAt.size > this.#limits.maxAddresses) this.#forgetStalest();
  }

  #clearTime(address: string): number {
    return Math.max(this.#clearAt.get(address) ?? 0, this.#clock.monotonic());
  }

  #forgetStalest(): void {
    for (const address of this.#clearAt.keys()) {
      this.#clearAt.delete(address);
      return;
    }
  }
}
