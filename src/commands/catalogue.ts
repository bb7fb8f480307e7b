import type { Command } from "./command.ts";

/** One command as the help lists it. */
export interface CommandEntry {
  readonly summary: string;
  readonly usage: string;
  /** Commands that other commands start and people seldom do. */
  readonly internal?: boolean;
  readonly load: () => Promise<Command>;
}

/** Every command by its name. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  run: {
    summary: "the runner: dial the gateway, take runs, bring status and logs back",
    usage: "run [--config FILE] [--server-url URL] [--agent-id ID] …",
    load: () => import("./run.ts"),
  },
  gateway: {
    summary: "the other end: what runners dial, with a REST API",
    usage: "gateway [--host H] [--port P] [--data-directory DIR] | gateway token create|list|revoke",
    load: () => import("./gateway.ts"),
  },
  logs: {
    summary: "the whole log of a run as it lies on this machine, or the runs that are there",
    usage: "logs [RUN] [--follow] [--json] [--data-directory DIR]",
    load: () => import("./logs.ts"),
  },
  config: {
    summary: "every setting of the runner with its value and origin, secrets left out, and what is wrong",
    usage: "config show [--json] [--config FILE] …",
    load: () => import("./config.ts"),
  },
  rbac: {
    summary: "the Role that the runner needs in the cluster, for kubectl apply",
    usage: "rbac NAMESPACE [--service-account NAME] [--runner-namespace NS] [--user NAME] [--documented]",
    load: () => import("./rbac.ts"),
  },
  exec: {
    summary: "the wrapper: resolve secret references, start a program, mask its output",
    usage: "exec -- COMMAND [ARGUMENT…]",
    load: () => import("./exec.ts"),
  },
  demo: {
    summary: "the whole road on this machine: gateway, runner, a real database, one ingestion",
    usage: "demo [--once] [--json]",
    load: () => import("./demo.ts"),
  },
  "demo-connector": {
    summary: "the demo's ingestion program",
    usage: "demo-connector",
    internal: true,
    load: () => import("./demo-connector.ts"),
  },
  "install-wrapper": {
    summary: "copy the wrapper with all it needs into a directory, for an ingestion pod",
    usage: "install-wrapper DIR",
    internal: true,
    load: () => import("./install-wrapper.ts"),
  },
  version: { summary: "print the version", usage: "version [--json]", load: () => import("./version.ts") },
};
