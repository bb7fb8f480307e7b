import { CodedError, type CodedErrorOptions, isKind } from "../base/errors.ts";
import { SECRET_ERRORS } from "./errors.ts";

/** Largest secret that is handed on, in bytes of UTF-8. */
export const MAX_SECRET_BYTES = 1_048_576;

/** Why one secret could not be read. */
export type ReadFailure =
  | "SecretNotFound"
  | "SecretDenied"
  | "SecretUnreachable"
  | "SecretThrottled"
  | "SecretMalformed"
  | "SecretEmpty"
  | "SecretReserved";

/** Words for messages. */
export const FAILURE_WORDS: Readonly<Record<ReadFailure | "BadReference", string>> = {
  SecretNotFound: "not found",
  SecretDenied: "denied",
  SecretUnreachable: "unreachable",
  SecretThrottled: "throttled",
  SecretMalformed: "malformed",
  SecretEmpty: "empty",
  SecretReserved: "kept for Hybrid Runner itself",
  BadReference: "not a valid reference",
};

/** What each error has found at which place. */
const TRIED = new WeakMap<CodedError, readonly string[]>();

/** The error of a provider that can't give a secret. `state` says what was found and holds no part of a value. */
export function readFailed(
  kind: ReadFailure,
  secretName: string,
  provider: string,
  state: string,
  options: CodedErrorOptions = {},
): CodedError {
  const error = new CodedError(
    SECRET_ERRORS[kind],
    `Cannot read the secret "${secretName}" from the store ${provider}: ${state}`,
    { ...options, facts: { secret: secretName, provider, ...options.facts } },
  );
  TRIED.set(error, [state]);
  return error;
}

/** Another place may hold the secret; the first of the gravest kind is what is told when none does. */
const GOES_ON: readonly ReadFailure[] = ["SecretDenied", "SecretMalformed", "SecretNotFound"];

/** True when it is worth looking at the next place. */
export function goesOn(error: unknown): error is CodedError {
  return GOES_ON.some((kind) => isKind(error, SECRET_ERRORS[kind]));
}

/** What to tell when no place gave a value: the gravest failure, with all places that were tried in their order. */
export function noneGave(failures: readonly CodedError[], secretName: string, provider: string): CodedError {
  const kind = GOES_ON.find((kind) => failures.some((failure) => isKind(failure, SECRET_ERRORS[kind])));
  const worst = failures.find((failure) => kind !== undefined && isKind(failure, SECRET_ERRORS[kind]));
  if (kind === undefined || worst === undefined)
    return readFailed("SecretNotFound", secretName, provider, "nothing was tried");
  const tried = [...new Set(failures.flatMap((failure) => TRIED.get(failure) ?? []))];
  if (tried.length === 1) return worst;
  const error = readFailed(kind, secretName, provider, `tried in this order: ${tried.join("; ")}`, {
    advice: worst.advice,
    facts: { ...worst.facts, secret: secretName },
  });
  TRIED.set(error, tried);
  return error;
}
