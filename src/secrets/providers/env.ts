import { Sensitive } from "../../base/sensitive.ts";
import type { SecretProvider } from "../provider.ts";
import { MAX_SECRET_BYTES, readFailed } from "../provider-errors.ts";
import type { EnvSecretsSettings } from "../settings.ts";

const DEFAULT_PREFIX = "HYBRID_RUNNER_SECRET_";

/**
 * The variable that holds a secret: `/demo/shop/connection` is in `HYBRID_RUNNER_SECRET_DEMO_SHOP_CONNECTION`.
 * The leading slash is dropped, letters become upper case, everything but A-Z and 0-9 becomes `_`;
 * names that differ in nothing else share a variable.
 */
export function variableOf(secretName: string, prefix: string = DEFAULT_PREFIX): string {
  const bare = secretName.replace(/^\//, "");
  return prefix + bare.toUpperCase().replace(/[^A-Z0-9]/gu, "_");
}

/** Secrets in the given environment. An empty variable is an empty secret; a missing one is not found. */
export async function openEnvProvider(
  settings: EnvSecretsSettings,
  environment: Readonly<Record<string, string>>,
): Promise<SecretProvider> {
  return {
    name: "env",
    async read(secretName, signal) {
      signal.throwIfAborted();
      const variable = variableOf(secretName, settings.prefix);
      const value = Object.hasOwn(environment, variable) ? environment[variable] : undefined;
      if (value === undefined)
        throw readFailed("SecretNotFound", secretName, "env", `the variable ${variable} is not set`);
      // A runtime turns bytes that are not UTF-8 into U+FFFD, so the true value is lost.
      if (value.includes("\uFFFD") || !value.isWellFormed()) {
        throw readFailed("SecretMalformed", secretName, "env", `the variable ${variable} is not UTF-8 text`);
      }
      if (new TextEncoder().encode(value).length > MAX_SECRET_BYTES) {
        throw readFailed(
          "SecretMalformed",
          secretName,
          "env",
          `the variable ${variable} is larger than ${MAX_SECRET_BYTES} bytes`,
        );
      }
      return new Sensitive(value);
    },
    check: async (signal) => signal.throwIfAborted(),
    dispose: async () => undefined,
  };
}
