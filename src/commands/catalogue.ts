import type { Command } from "./command.ts";

/** One command as help, completion and documents know it. */
export interface CommandEntry {
  readonly summary: string;
  /** What stands behind its name, flags left out. */
  readonly operands?: string;
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /** Commands that other commands start and people seldom do. */
  readonly internal?: boolean;
  readonly load: () => Promise<Command>;
}

/** Every command by its name, which may be several words. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  run: {
    summary: "the runner: dial the gateway, take runs, bring status and logs back",
    examples: [
      ["hybrid-runner run", "with what the environment says: SERVER_URL, AGENT_ID, AUTH_TOKEN_FILE, …"],
      ["hybrid-runner run --config /etc/hybrid-runner/config.yaml", "settings from a file"],
    ],
    load: () => import("./run.ts"),
  },
  "config show": {
    summary: "every setting of the runner with its value and origin, secrets left out, and what is wrong",
    examples: [["hybrid-runner config show", "what `run` would work with; exit code 2 when it could not start"]],
    load: () => import("./config.ts"),
  },
  logs: {
    summary: "the whole log of a run as it lies on this machine, or the runs that are there",
    operands: "[RUN]",
    examples: [
      ["hybrid-runner logs", "the runs that are there"],
      ["hybrid-runner logs 326378e5 --follow", "the log of the run whose id begins so, until it ends"],
    ],
    load: () => import("./logs.ts"),
  },
  rbac: {
    summary: "the Role that the runner needs in the cluster, for kubectl apply",
    operands: "NAMESPACE",
    examples: [
      ["hybrid-runner rbac ingestion | kubectl apply -f -", "for a runner with the service account hybrid-runner"],
      ["hybrid-runner rbac ingestion --user jane", "for a jump host whose kubeconfig is of this user"],
    ],
    load: () => import("./rbac.ts"),
  },
  gateway: {
    summary: "the other end: what runners dial, with a REST API",
    examples: [
      ["hybrid-runner gateway", "listens on this machine only"],
      ["hybrid-runner gateway --host 0.0.0.0 --tls-cert-file cert.pem --tls-key-file key.pem", "for runners elsewhere"],
    ],
    load: () => import("./gateway.ts"),
  },
  "gateway token create": {
    summary: "issue a runner token and print it, this once",
    examples: [
      ["hybrid-runner gateway token create --runner acme-berlin --expires-in 90d", "good for this runner id only"],
    ],
    load: async () => (await import("./gateway-token.ts")).create,
  },
  "gateway config show": {
    summary: "every setting of the gateway with its value and origin, secrets left out, and what is wrong",
    examples: [
      ["hybrid-runner gateway config show", "what `gateway` would work with; exit code 2 when it could not start"],
    ],
    load: () => import("./gateway-config.ts"),
  },
  "gateway token list": {
    summary: "the runner tokens that were issued",
    examples: [["hybrid-runner gateway token list --json", "for programs"]],
    load: async () => (await import("./gateway-token.ts")).list,
  },
  "gateway token revoke": {
    summary: "make a runner token worthless at once",
    operands: "ID",
    examples: [["hybrid-runner gateway token revoke 01JD…", "the id that `gateway token list` shows"]],
    load: async () => (await import("./gateway-token.ts")).revoke,
  },
  exec: {
    summary: "the wrapper: resolve secret references, start a program, mask its output",
    operands: "-- COMMAND [ARGUMENT…]",
    examples: [
      [
        "DB=secret:/shop/connection hybrid-runner exec --secrets-provider file --secrets-path ./secrets -- env",
        "the program gets the value, its output shows [redacted]",
      ],
    ],
    load: () => import("./exec.ts"),
  },
  demo: {
    summary: "the whole road on this machine: gateway, runner, a real database, one ingestion",
    examples: [
      ["hybrid-runner demo --once", "ends after the first run, with exit code 0 if all that it checked is so"],
    ],
    load: () => import("./demo.ts"),
  },
  "demo-connector": {
    summary: "the demo's ingestion program",
    examples: [],
    internal: true,
    load: () => import("./demo-connector.ts"),
  },
  "install-wrapper": {
    summary: "copy the wrapper with all it needs into a directory, for an ingestion pod",
    operands: "DIRECTORY",
    examples: [],
    internal: true,
    load: () => import("./install-wrapper.ts"),
  },
  completion: {
    summary: "what makes a shell complete commands and flags",
    operands: "bash | zsh | fish",
    examples: [
      ["source <(hybrid-runner completion bash)", "in this shell; put the line into ~/.bashrc for all"],
      ["hybrid-runner completion fish > ~/.config/fish/completions/hybrid-runner.fish", "for fish"],
    ],
    load: () => import("./completion.ts"),
  },
  version: {
    summary: "print the version",
    examples: [["hybrid-runner version --json", "with protocol versions and platform, for programs"]],
    load: () => import("./version.ts"),
  },
};
