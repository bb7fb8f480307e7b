import type { Clock } from "../base/clock.ts";
import { CodedError, isKind } from "../base/errors.ts";
import type { Sensitive } from "../base/sensitive.ts";
import { SECRET_ERRORS } from "./errors.ts";
import type { SecretProvider } from "./provider.ts";
import { readFailed } from "./provider-errors.ts";

/** Bounds of reading and remembering; times in milliseconds. */
export interface SecretCacheOptions {
  readonly provider: SecretProvider;
  readonly clock: Clock;
  /** A read that takes longer is `SecretUnreachable`. */
  readonly limitMs: number;
  /** How long a value is used without asking again. */
  readonly ttlMs: number;
  /** The same for the answers not found, denied and malformed. Unreachable and throttled are never remembered. */
  readonly negativeTtlMs: number;
}

const MAX_READS_AT_ONCE = 8;
const MAX_ENTRIES = 1000;
/** A read waits for its turn at most this many times the limit of one read. */
const TURN_LIMITS = 6;

interface Flight {
  readonly result: Promise<Sensitive>;
  readonly ending: AbortController;
  waiting: number;
}

type Remembered = { readonly until: number } & ({ readonly value: Sensitive } | { readonly error: CodedError });

/** Whole secrets by name: each is read once at a time for all who ask, at most eight reads run at once, answers are kept for a while. */
export class SecretCache {
  readonly #options: SecretCacheOptions;
  readonly #remembered = new Map<string, Remembered>();
  readonly #flights = new Map<string, Flight>();
  readonly #queue: (() => void)[] = [];
  #reading = 0;

  constructor(options: SecretCacheOptions) {
    this.#options = options;
  }

  /** The whole secret. When `signal` aborts, this caller gets its reason; the read itself ends when nobody waits for it. @throws CodedError as SecretProvider.read */
  async read(secretName: string, signal: AbortSignal): Promise<Sensitive> {
    signal.throwIfAborted();
    const known = this.#remembered.get(secretName);
    if (known !== undefined && this.#options.clock.monotonic() < known.until) {
      if ("error" in known) throw known.error;
      return known.value;
    }
    const flight = this.#flights.get(secretName) ?? this.#start(secretName);
    flight.waiting++;
    try {
      return await orAborted(flight.result, signal);
    } finally {
      flight.waiting--;
      if (flight.waiting === 0) flight.ending.abort(new DOMException("nobody waits for this secret", "AbortError"));
    }
  }

  #start(secretName: string): Flight {
    const ending = new AbortController();
    const result = this.#fetch(secretName, ending.signal).finally(() => {
      if (this.#flights.get(secretName) === flight) this.#flights.delete(secretName);
    });
    result.catch(() => undefined);
    const flight: Flight = { result, ending, waiting: 0 };
    // Whoever comes after the last waiter left must not join a flight that is being ended.
    ending.signal.addEventListener("abort", () => {
      if (this.#flights.get(secretName) === flight) this.#flights.delete(secretName);
    });
    this.#flights.set(secretName, flight);
    return flight;
  }

  async #fetch(secretName: string, signal: AbortSignal): Promise<Sensitive> {
    await this.#takeTurn(secretName);
    try {
      const value = await this.#readWithin(secretName, signal);
      this.#remember(secretName, { until: this.#options.clock.monotonic() + this.#options.ttlMs, value });
      return value;
    } catch (error) {
      const lasting = [SECRET_ERRORS.SecretNotFound, SECRET_ERRORS.SecretDenied, SECRET_ERRORS.SecretMalformed];
      if (error instanceof CodedError && lasting.some((kind) => isKind(error, kind))) {
        this.#remember(secretName, { until: this.#options.clock.monotonic() + this.#options.negativeTtlMs, error });
      }
      throw error;
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#reading--;
      else next();
    }
  }

  async #readWithin(secretName: string, signal: AbortSignal): Promise<Sensitive> {
    signal.throwIfAborted();
    const { provider, clock, limitMs } = this.#options;
    const limit = new AbortController();
    const late = (): CodedError =>
      readFailed("SecretUnreachable", secretName, provider.name, `no answer within ${limitMs} ms`);
    const cancel = clock.schedule(limitMs, () => limit.abort(late()));
    const both = AbortSignal.any([signal, limit.signal]);
    try {
      return await orAborted(provider.read(secretName, both), both);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (limit.signal.aborted) throw limit.signal.reason;
      throw known(error, secretName, provider.name);
    } finally {
      cancel();
    }
  }

  async #takeTurn(secretName: string): Promise<void> {
    if (this.#reading < MAX_READS_AT_ONCE) {
      this.#reading++;
      return;
    }
    const { provider, clock, limitMs } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const turn = (): void => {
        cancel();
        resolve();
      };
      const cancel = clock.schedule(limitMs * TURN_LIMITS, () => {
        this.#queue.splice(this.#queue.indexOf(turn), 1);
        reject(readFailed("SecretUnreachable", secretName, provider.name, "too many reads were slow before it"));
      });
      this.#queue.push(turn);
    });
  }

  #remember(secretName: string, entry: Remembered): void {
    this.#remembered.delete(secretName);
    this.#remembered.set(secretName, entry);
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= MAX_ENTRIES) break;
      this.#remembered.delete(oldest);
    }
  }
}

/** A provider's mistake: its message could hold anything, so only the error's name is told. */
function known(error: unknown, secretName: string, provider: string): CodedError {
  if (error instanceof CodedError && Object.hasOwn(SECRET_ERRORS, error.code)) return error;
  const name = error instanceof Error ? error.name : typeof error;
  return readFailed("SecretUnreachable", secretName, provider, `the provider failed with ${name}`);
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
