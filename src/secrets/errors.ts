import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds of secret resolution. Not found, denied and unreachable are different things and never the same code. */
export const SECRET_ERRORS: {
  readonly SecretUnresolved: ErrorKind<"SecretUnresolved">;
  readonly SecretNotFound: ErrorKind<"SecretNotFound">;
  readonly SecretDenied: ErrorKind<"SecretDenied">;
  readonly SecretUnreachable: ErrorKind<"SecretUnreachable">;
  readonly SecretThrottled: ErrorKind<"SecretThrottled">;
  readonly SecretMalformed: ErrorKind<"SecretMalformed">;
  readonly SecretEmpty: ErrorKind<"SecretEmpty">;
  readonly SecretReserved: ErrorKind<"SecretReserved">;
  readonly BadReference: ErrorKind<"BadReference">;
  readonly TreeTooLarge: ErrorKind<"TreeTooLarge">;
  readonly UnknownSecretProvider: ErrorKind<"UnknownSecretProvider">;
} = defineErrors({
  SecretUnresolved: {
    retryable: false,
    advice: "Check the reference, the name in the secret store and the rights of the run's identity",
  },
  SecretNotFound: { retryable: false, advice: "Create the secret in the store, or correct the reference" },
  SecretDenied: { retryable: false, advice: "Give the run's identity the right to read this secret" },
  SecretUnreachable: {
    retryable: true,
    advice: "Check the address of the secret store and the network between it and the run",
  },
  SecretThrottled: { retryable: true, advice: "Wait, or raise the store's request quota" },
  SecretMalformed: {
    retryable: false,
    advice: "Store the secret as UTF-8 text, or as a JSON object when the reference names a key",
  },
  SecretEmpty: {
    retryable: false,
    advice: "Fill the secret, or write ?empty=allowed at the end of the reference when it is meant to be empty",
  },
  SecretReserved: {
    retryable: false,
    advice: "Refer to a Secret of your own: what Hybrid Runner keeps for itself is never handed to a program",
  },
  BadReference: {
    retryable: false,
    advice: "Write it as secret:/path/to/secret, secret:/path/to/secret/key or secret:name#key",
  },
  TreeTooLarge: { retryable: false, advice: "Make the pipeline's configuration smaller" },
  UnknownSecretProvider: { retryable: false, advice: "Set SECRETS_MANAGER to one of the known names" },
});
