import { CodedError } from "../base/errors.ts";
import { SECRET_ERRORS } from "./errors.ts";
import type { SecretProvider } from "./provider.ts";
import type { SecretsSettings } from "./settings.ts";

/** Opens the provider of one name with its own settings. */
type Opener<Name extends SecretsSettings["provider"]> = (
  settings: Extract<SecretsSettings, { provider: Name }>,
  environment: Readonly<Record<string, string>>,
) => Promise<SecretProvider>;

/** Every provider, by its name in SECRETS_MANAGER. Its code is loaded when it is opened, not before. */
const OPENERS: { readonly [Name in SecretsSettings["provider"]]: Opener<Name> } = {
  env: async (settings, environment) => (await import("./providers/env.ts")).openEnvProvider(settings, environment),
  file: async (settings) => (await import("./providers/file.ts")).openFileProvider(settings),
  kubernetes: async (settings, environment) =>
    (await import("./providers/kubernetes.ts")).openKubernetesProvider(settings, environment),
  absent: async (settings) => (await import("./providers/absent.ts")).openAbsentProvider(settings),
};

/** Names of stores that this version can read, for messages and documents. */
export const PROVIDER_NAMES: readonly SecretsSettings["provider"][] = ["env", "file", "kubernetes"];

/** A provider's name out of a setting. @throws CodedError UnknownSecretProvider */
export function providerName(text: string): SecretsSettings["provider"] {
  const name = PROVIDER_NAMES.find((candidate) => candidate === text);
  if (name !== undefined) return name;
  const known = PROVIDER_NAMES.join(", ");
  throw new CodedError(
    SECRET_ERRORS.UnknownSecretProvider,
    `Cannot open the secret store "${text}": known are ${known}`,
  );
}

/**
 * Opens the secret store that the settings name. `environment` is where the provider `env` looks, and the others for what their store's own tools read there.
 * @throws CodedError UnknownSecretProvider
 */
export async function openProvider(
  settings: SecretsSettings,
  environment: Readonly<Record<string, string>>,
): Promise<SecretProvider> {
  const name = settings.provider === "absent" ? "absent" : providerName(settings.provider);
  const open = OPENERS[name] as Opener<SecretsSettings["provider"]>;
  return open(settings as never, environment);
}
