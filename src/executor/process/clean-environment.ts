/**
 * What a program needs of the machine it runs on, and nothing of the runner's own: never AUTH_TOKEN, never a secret.
 * Names with `*` are beginnings or ends.
 */
export const PASSED_VARIABLES: readonly string[] = [
  "PATH",
  "HOME",
  "LANG",
  "LC_*",
  "TZ",
  "TMPDIR",
  "*_PROXY",
  "*_proxy",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "REQUESTS_CA_BUNDLE",
  "NODE_EXTRA_CA_CERTS",
];

/**
 * What the supervisor gets besides, and the program doesn't: where the provider `env` finds its secrets.
 * A cloud provider adds here the variables from which its client takes its identity.
 */
export const SUPERVISOR_VARIABLES: readonly string[] = ["HYBRID_RUNNER_SECRET_*"];

/** Never passed on, even if named as an extra: the runner's own credential. */
const WITHHELD = new Set(["AUTH_TOKEN"]);

type Variables = Readonly<Record<string, string>>;

/** The environment of an ingestion program: the allow-list, unbuffered Python output, then `extras`, which win. */
export function programEnvironment(own: Variables, extras: Variables = {}): Variables {
  return withoutWithheld({ ...pick(own, PASSED_VARIABLES), PYTHONUNBUFFERED: "1", ...extras });
}

/** The environment of a supervisor: the allow-list, and what its secret store needs (`extraPatterns` for a prefix that was configured). */
export function supervisorEnvironment(own: Variables, extraPatterns: readonly string[] = []): Variables {
  return withoutWithheld(pick(own, [...PASSED_VARIABLES, ...SUPERVISOR_VARIABLES, ...extraPatterns]));
}

function pick(variables: Variables, patterns: readonly string[]): Record<string, string> {
  const names = Object.keys(variables).filter((name) => patterns.some((pattern) => fits(name, pattern)));
  return Object.fromEntries(names.map((name) => [name, variables[name] ?? ""]));
}

function fits(name: string, pattern: string): boolean {
  if (pattern.startsWith("*")) return name.endsWith(pattern.slice(1));
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function withoutWithheld(variables: Variables): Variables {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !WITHHELD.has(name)));
}
