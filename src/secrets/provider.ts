import type { Sensitive } from "../base/sensitive.ts";

/**
 * A secret store. One file in providers/ each, one row in catalogue.ts, and a test that calls the conformance suite
 * (test/secrets/provider.contract.ts). A provider only reads; it never logs and never puts a value into an error.
 */
export interface SecretProvider {
  /** The name in SECRETS_MANAGER and in messages. */
  readonly name: string;

  /** True where a secret has keys of the store's own: `read` takes `name#key` too then, and is asked so first. */
  readonly keyed?: boolean;

  /**
   * The whole secret of this name, as text.
   * @throws CodedError SecretNotFound, SecretDenied, SecretUnreachable, SecretThrottled, SecretMalformed
   */
  read(secretName: string, signal: AbortSignal): Promise<Sensitive>;

  /** Proves that the store can be used, as far as that can be told without a name. @throws CodedError as `read` */
  check(signal: AbortSignal): Promise<void>;

  /** Frees connections and watchers. */
  dispose(): Promise<void>;
}
