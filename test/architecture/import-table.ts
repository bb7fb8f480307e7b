/** Who may import whom. What isn't listed is refused; a row's own folder is always allowed. */
export interface ImportRule {
  /** Folder or file under src; the longest one that fits a file is the file's row. */
  readonly folder: string;
  /** Folders or single files under src. */
  readonly may: readonly string[];
  /** Packages from outside; `node:*` are the built-ins of Node. */
  readonly packages: readonly string[];
  /** Why it is so, and where code goes that wants more. */
  readonly why: string;
}

const RUNNER_PARTS: readonly string[] = [
  "base",
  "protocol",
  "runtime",
  "metrics",
  "connection",
  "secrets",
  "kubernetes",
  "executor",
  "runs",
  "pipelines",
  "schedules",
  "policy",
  "config",
];

/** Every file may import these: facts about the program, without behaviour. */
export const OPEN_TO_ALL: readonly string[] = ["version.ts"];

/** The table. docs/architecture.md tells the story behind it. */
export const IMPORT_TABLE: readonly ImportRule[] = [
  {
    folder: "base",
    may: [],
    packages: [],
    why: "everything stands on base, so base stands on nothing; what needs more belongs to the folder that needs it",
  },
  {
    folder: "protocol",
    may: ["base"],
    packages: ["zod"],
    why: "the contract between runner and gateway knows neither of them; behaviour belongs to connection or gateway/sessions",
  },
  {
    folder: "runtime",
    may: ["base"],
    packages: ["ws", "node:*"],
    why: "the only code that knows Node or Deno; what it does for us is decided by its callers",
  },
  {
    folder: "metrics",
    may: ["base", "runtime"],
    packages: ["prom-client"],
    why: "one catalogue of numbers; who measures hands values over",
  },
  {
    folder: "connection",
    may: ["base", "protocol", "runtime", "metrics"],
    packages: [],
    why: "connection carries messages and doesn't know what they do; connection and runs meet only in src/runner",
  },
  {
    folder: "kubernetes",
    may: ["base", "runtime"],
    packages: ["yaml"],
    why: "how an API server is talked to; what is said to it belongs to src/executor/pods, src/executor/jobs and src/secrets/providers",
  },
  {
    folder: "secrets",
    may: ["base", "runtime", "kubernetes"],
    packages: ["yaml"],
    why: "secrets and executors are siblings; src/wrapper brings them together",
  },
  {
    folder: "executor",
    may: ["base", "protocol", "runtime"],
    packages: [],
    why: "an executor is told all it needs by its caller; settings and wiring belong to src/runner",
  },
  {
    folder: "executor/process",
    may: ["base", "protocol", "runtime", "executor/executor.ts", "executor/errors.ts"],
    packages: [],
    why: "one executor knows the contract and no other executor; wiring belongs to src/runner",
  },
  {
    folder: "executor/pods",
    may: ["base", "protocol", "runtime", "kubernetes", "executor/executor.ts"],
    packages: [],
    why: "what any executor needs that makes pods knows none of them; what makes or judges Jobs belongs to src/executor/jobs",
  },
  {
    folder: "executor/jobs",
    may: ["base", "protocol", "runtime", "kubernetes", "executor/executor.ts", "executor/pods"],
    packages: [],
    why: "one executor knows the contract and no other executor; what another one that makes pods needs too belongs to src/executor/pods",
  },
  {
    folder: "wrapper",
    may: [
      "base",
      "protocol",
      "runtime",
      "secrets",
      "executor/process/run-directory.ts",
      "executor/process/leftovers.ts",
      "executor/pods/wrapper/wrapper-place.ts",
    ],
    packages: ["yaml"],
    why: "the wrapper runs beside the customer's program: it shares the run directory's layout and the mark of a run's processes with the process executor, its place in a pod with the executors that make pods, and nothing else",
  },
  {
    folder: "policy",
    may: ["base", "protocol"],
    packages: [],
    why: "a policy judges an operation by what the message says; loading it belongs to src/config and src/runner",
  },
  {
    folder: "pipelines",
    may: ["base", "protocol", "runtime", "executor/executor.ts"],
    packages: ["zod"],
    why: "deployed pipelines are kept here and started by src/runs; an executor's cluster keeps them too, by the contract's interface",
  },
  {
    folder: "schedules",
    may: ["base", "protocol", "runtime", "pipelines"],
    packages: ["croner", "zod"],
    why: "when runs are due, and what must be remembered of it; src/runner hands in the function that starts one",
  },
  {
    folder: "runs",
    may: ["base", "protocol", "executor/executor.ts", "policy", "pipelines"],
    packages: [],
    why: "the life of a run knows the executor's contract, not an executor and not the socket; src/runner hands both in",
  },
  {
    folder: "config",
    may: ["base", "runtime"],
    packages: ["yaml"],
    why: "settings know no part that uses them; parts are handed their settings by src/runner, src/gateway or src/commands",
  },
  {
    folder: "runner",
    may: RUNNER_PARTS,
    packages: [],
    why: "wiring of the runner's parts; the gateway is another program that is met over the wire only",
  },
  {
    folder: "gateway",
    may: ["base", "protocol", "runtime", "metrics", "config"],
    packages: ["zod", "hono", "@hono/node-server", "kysely", "jose"],
    why: "the gateway knows runners by the protocol only; what both sides need belongs to src/protocol or src/base",
  },
  {
    folder: "demo",
    may: ["base", "protocol", "runtime", "config"],
    packages: [],
    why: "the demo drives the others as a user would: as processes and by HTTP",
  },
  {
    folder: "commands",
    may: [...RUNNER_PARTS, "wrapper", "runner", "gateway", "demo"],
    packages: [],
    why: "a command loads and wires; work belongs to the folder it calls",
  },
  {
    folder: "main.ts",
    may: ["commands", "base", "runtime"],
    packages: [],
    why: "main loads one command; what a command does belongs to src/commands and the folder it calls",
  },
  { folder: "version.ts", may: [], packages: [], why: "facts about the program, without behaviour" },
];
