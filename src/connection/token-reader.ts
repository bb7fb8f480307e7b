import { type Clock, withLimit } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import type { Sensitive } from "../base/sensitive.ts";
import { CONNECTION_ERRORS } from "./errors.ts";

const LIMIT_MS = 10_000;

/** Reads the runner's token, which may be renewed on disk at any time, and knows which one was used last. */
export class TokenReader {
  readonly #source: () => Promise<Sensitive>;
  readonly #clock: Clock;
  #used: Sensitive | undefined;

  constructor(source: () => Promise<Sensitive>, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** The token for a dial. @throws CodedError TokenTimedOut; whatever the source throws */
  async use(): Promise<Sensitive> {
    this.#used = await this.#read();
    return this.#used;
  }

  /** True when another token than the one used last can be read now. Never throws. */
  async hasChanged(): Promise<boolean> {
    try {
      return (await this.#read()).reveal() !== this.#used?.reveal();
    } catch {
      return false;
    }
  }

  #read(): Promise<Sensitive> {
    return withLimit(this.#clock, LIMIT_MS, this.#source(), () => {
      return new CodedError(
        CONNECTION_ERRORS.TokenTimedOut,
        `Cannot read the runner's token: not done after ${LIMIT_MS} ms`,
      );
    });
  }
}
