/** Variables that only the runner needs; with them the program could act as the runner. Prefixes end in `*`. */
const RUNNER_ONLY = [
  "AUTH_TOKEN",
  "AUTH_TOKEN_FILE",
  "ARGO_TOKEN",
  "HYBRID_RUNNER_*",
  "SECRETS_DIRECTORY",
  "SECRETS_FILE",
  "SECRETS_ENV_PREFIX",
] as const;

/**
 * The environment for the ingestion program: that of this process without the runner's credentials and without the
 * variables of the provider `env`, whose names begin with `secretPrefix`.
 */
export function inheritedEnvironment(
  environment: Readonly<Record<string, string>>,
  secretPrefix: string | undefined,
): Record<string, string> {
  const kept = Object.entries(environment).filter(([name]) => {
    if (secretPrefix !== undefined && name.startsWith(secretPrefix)) return false;
    return !RUNNER_ONLY.some((rule) => (rule.endsWith("*") ? name.startsWith(rule.slice(0, -1)) : name === rule));
  });
  return Object.fromEntries(kept);
}
