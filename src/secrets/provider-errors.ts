import { CodedError, type CodedErrorOptions } from "../base/errors.ts";
import { SECRET_ERRORS } from "./errors.ts";

/** Largest secret that is handed on, in bytes of UTF-8. */
export const MAX_SECRET_BYTES = 1_048_576;

/** Why one secret could not be read. */
export type ReadFailure =
  | "SecretNotFound"
  | "SecretDenied"
  | "SecretUnreachable"
  | "SecretThrottled"
  | "SecretMalformed";

/** Words for messages. */
export const FAILURE_WORDS: Readonly<Record<ReadFailure | "BadReference", string>> = {
  SecretNotFound: "not found",
  SecretDenied: "denied",
  SecretUnreachable: "unreachable",
  SecretThrottled: "throttled",
  SecretMalformed: "malformed",
  BadReference: "not a valid reference",
};

/** The error of a provider that can't give a secret. `state` says what was found and holds no part of a value. */
export function readFailed(
  kind: ReadFailure,
  secretName: string,
  provider: string,
  state: string,
  options: CodedErrorOptions = {},
): CodedError {
  return new CodedError(
    SECRET_ERRORS[kind],
    `Cannot read the secret "${secretName}" from the store ${provider}: ${state}`,
    {
      ...options,
      facts: { secret: secretName, provider, ...options.facts },
    },
  );
}
