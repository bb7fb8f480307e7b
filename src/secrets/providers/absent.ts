import type { SecretProvider } from "../provider.ts";
import { readFailed } from "../provider-errors.ts";
import type { AbsentSecretsSettings } from "../settings.ts";

/** Stands in for a store that is known by its name and not in this version: runs without references work, others say what is missing. */
export async function openAbsentProvider({ store }: AbsentSecretsSettings): Promise<SecretProvider> {
  const fail = (secretName: string): never => {
    throw readFailed("SecretUnreachable", secretName, store, "this version can't read that store", {
      advice: "Set SECRETS_MANAGER to kubernetes, env or file, or use a version of the runner that can read this store",
    });
  };
  return {
    name: store,
    async read(secretName, signal) {
      signal.throwIfAborted();
      return fail(secretName);
    },
    async check(signal) {
      signal.throwIfAborted();
      fail("any");
    },
    dispose: async () => undefined,
  };
}
