import { GENERATION_NAMES, GENERATIONS } from "../../src/config/settings/generations.ts";
import { SLICES } from "../../src/config/settings.ts";
import { settingsTable } from "./settings-table.ts";

/** docs/configuration.md: every setting of the runner, from the table that reads them. */
export function configurationMarkdown(): string {
  const generations = GENERATION_NAMES.map((name, index) => `${index + 1} is ${name}`).join(", ");
  return `# Settings of the runner

Generated from \`src/config/settings.ts\` by \`npm run generate\`. Do not edit.

A flag wins over a variable, a variable over the file (\`--config FILE\` or \`CONFIG_FILE\`, YAML, unknown keys are refused), the file over the default.
The flag of a setting is its first variable in kebab-case: \`AGENT_ID\` is \`--agent-id\`. Lists and objects that are written as JSON in a variable can be written as YAML in the file.
An empty text counts as not set, and so does a value such as \`tcp://10.0.0.1:80\`, which Kubernetes sets for Services of the namespace. All problems are printed at once, and the exit code is 2.
Quotes around a value are refused, and so are paths that begin with \`~\` or a variable: nothing here replaces what a shell would. A variable that is nearly one of these is told in the log.
Where a secret is a flag, or its file can be read by others on the machine, the log has a warning; files that a container mounts don't count.

\`hybrid-runner config show\` prints every setting with its value and where that is from, without secrets; \`--json\` does it for programs.

## Names of older generations

Where several variables are listed, the first is the name to use. The others still work: the first that is set wins, an old name is told once in the log, and so is a name that loses against another with a different value.
The number behind a name is the generation of the documented product that has it: ${generations}. Names without a number are this project's own.

## Which executor

\`EXECUTOR_TYPE\` decides. Without it, the first of these that is true ([ADR 0009](adr/0009-which-executor-and-what-is-not-there-yet.md)):

1. \`argo\`, when \`PIPELINE_SERVICE_CLIENT_ENDPOINT\` or \`ARGO_TOKEN\` is set
2. \`simpleK8s\`, when any setting of the part "Ingestion pods" is set
3. \`process\`, when \`INGESTION_COMMAND\` is set
4. \`simpleK8s\`, when the runner is in a cluster (\`KUBERNETES_SERVICE_HOST\` is set)
5. \`process\`

This version has the executors \`process\` and \`simpleK8s\` and the secret stores \`env\`, \`file\` and \`kubernetes\`. With another executor the runner starts, connects and keeps its pipelines; readiness and \`service.status\` say what is missing, and every run is refused with the reason \`noExecutor\`. With another secret store, runs without secret references work and the others fail with \`SecretUnresolved\`. The settings of both are read and checked all the same.

How the settings of the last parts become pods is told in [Ingestion pods](kubernetes-pods.md).

${SLICES.map(({ title, rows }) => `## ${title}\n\n${settingsTable(rows, named)}`).join("\n\n")}
`;
}

function named(name: string): string {
  const [first, last] = GENERATIONS[name] ?? [];
  if (first === undefined) return `\`${name}\``;
  return `\`${name}\` (${first === last ? first : `${first}–${last}`})`;
}
