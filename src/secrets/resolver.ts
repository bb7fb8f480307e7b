import type { Clock } from "../base/clock.ts";
import type { CodedError } from "../base/errors.ts";
import { isJsonObject } from "../base/exact-json.ts";
import { holdsRunnerToken } from "../base/runner-token.ts";
import { allowsEmpty } from "../base/secret-reference.ts";
import { Sensitive } from "../base/sensitive.ts";
import { type Json, ownValue, parseJson, textOf } from "./json.ts";
import type { SecretProvider } from "./provider.ts";
import { goesOn, noneGave, readFailed } from "./provider-errors.ts";
import { isReference, type Reading, readingsOf, showReference } from "./reference.ts";
import { type ResolvedTree, resolveTree } from "./resolve-tree.ts";
import { SecretCache } from "./secret-cache.ts";

/** What a resolver stands on; times in milliseconds. */
export interface ResolverOptions {
  readonly provider: SecretProvider;
  readonly clock: Clock;
  /** For one read of the store; 10,000 when absent. */
  readonly limitMs?: number;
  /** How long a value is kept; 300,000 when absent. */
  readonly ttlMs?: number;
  /** How long not found, denied and malformed are kept; 10,000 when absent. */
  readonly negativeTtlMs?: number;
}

/** Turns references into values. Keeps values in memory for its time to live and nowhere else. */
export interface Resolver {
  /**
   * The value of one reference. The readings are tried in the order of reference.ts. Not found goes on to the next reading;
   * so do denied (a store may say so for every name outside of a granted path) and malformed, which are remembered:
   * when no reading gives a value the error is the first denied, else the first malformed, else not found.
   * Unreachable and throttled end it at once, because nobody can know whether an earlier reading exists.
   * @throws CodedError BadReference, SecretNotFound, SecretDenied, SecretUnreachable, SecretThrottled, SecretMalformed,
   * SecretEmpty, SecretReserved
   */
  resolve(reference: string, signal: AbortSignal): Promise<Sensitive>;

  /**
   * A copy of `tree` in which every string that begins with `secret:` is replaced by its value; keys of objects are left.
   * All or nothing.
   * @throws CodedError SecretUnresolved, which names every reference that failed with its reason; TreeTooLarge
   */
  resolveTree(tree: Json, signal: AbortSignal): Promise<ResolvedTree>;
}

/** Makes a resolver on an open provider, which stays the caller's to dispose. */
export function createResolver(options: ResolverOptions): Resolver {
  const store = options.provider.name;
  const cache = new SecretCache({
    provider: options.provider,
    clock: options.clock,
    limitMs: options.limitMs ?? 10_000,
    ttlMs: options.ttlMs ?? 300_000,
    negativeTtlMs: options.negativeTtlMs ?? 10_000,
  });
  const resolve = async (reference: string, signal: AbortSignal): Promise<Sensitive> => {
    const failures: CodedError[] = [];
    for (const reading of readingsIn(options.provider, reference)) {
      try {
        return extract(await cache.read(reading.secretName, signal), reading, store, allowsEmpty(reference));
      } catch (error) {
        if (!goesOn(error)) throw error;
        failures.push(error);
      }
    }
    throw noneGave(failures, showReference(reference), store);
  };
  return { resolve, resolveTree: (tree, signal) => resolveTree({ resolve, store }, tree, signal) };
}

/** Where secrets have keys of the store's own, `name#key` means such a key before it means one of a JSON object. */
function readingsIn(provider: SecretProvider, reference: string): readonly Reading[] {
  const readings = readingsOf(reference);
  if (provider.keyed !== true || !reference.includes("#")) return readings;
  return [...readings.map(({ secretName, key }) => ({ secretName: `${secretName}#${key}` })), ...readings];
}

/**
 * A value that is itself a reference is refused: it would reach the program as a literal reference. So is the token of a runner,
 * wherever it lies: who has it acts as that runner.
 */
function extract(secret: Sensitive, reading: Reading, store: string, mayBeEmpty: boolean): Sensitive {
  const value =
    reading.key === undefined ? secret.reveal() : keyOf(secret.reveal(), reading.secretName, reading.key, store);
  const named = reading.key === undefined ? `"${reading.secretName}"` : `"${reading.key}" in "${reading.secretName}"`;
  if (isReference(value)) {
    throw readFailed("SecretMalformed", reading.secretName, store, `the value of ${named} is itself a reference`);
  }
  if (holdsRunnerToken(value)) {
    throw readFailed("SecretReserved", reading.secretName, store, "it holds the token of a runner");
  }
  if (value === "" && !mayBeEmpty) throw readFailed("SecretEmpty", reading.secretName, store, "it is empty");
  return new Sensitive(value);
}

function keyOf(text: string, secretName: string, key: string, store: string): string {
  const object = parseJson(text);
  if (!isJsonObject(object)) {
    throw readFailed(
      "SecretMalformed",
      secretName,
      store,
      `"${secretName}" is not a JSON object, so it has no key "${key}"`,
    );
  }
  const value = textOf(ownValue(object, key));
  if (value === undefined)
    throw readFailed(
      "SecretNotFound",
      secretName,
      store,
      `the JSON object in "${secretName}" has no value for "${key}"`,
    );
  return value;
}

export type { ResolvedSecret, ResolvedTree } from "./resolve-tree.ts";
