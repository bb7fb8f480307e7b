import { GATEWAY_SETTINGS } from "../../src/gateway/settings.ts";
import { settingsTable } from "./settings-table.ts";

/** docs/gateway-configuration.md: every setting of the gateway, from the table that reads them. */
export function gatewayConfigurationMarkdown(): string {
  return `# Settings of the gateway

Generated from \`src/gateway/settings.ts\` by \`npm run generate\`. Do not edit.

A flag wins over a variable, a variable over the file (\`--config FILE\` or \`${GATEWAY_SETTINGS.fileVariable}\`, YAML, unknown keys are refused), the file over the default.
The flag of a setting is its variable in kebab-case, without \`${GATEWAY_SETTINGS.prefix}\`: \`${GATEWAY_SETTINGS.prefix}SERVER_API_URL\` is \`--server-api-url\`. The admin token is no flag, because everybody on the machine can read a command line. \`--json\` is short for \`--log-format json\`.
An empty text counts as not set, and so do the variables that Kubernetes makes for a Service named \`hybrid-runner-gateway\`. Any other variable that begins with \`${GATEWAY_SETTINGS.prefix}\` and isn't in the table is refused. All problems are printed at once, and the exit code is 2.
Quotes around a value are refused, and so are paths that begin with \`~\` or a variable: nothing here replaces what a shell would.

\`hybrid-runner gateway config show\` prints every setting with its value and where that is from, without secrets; \`--json\` does it for programs. How a gateway is run: [operations.md](operations.md). The runner's settings: [configuration.md](configuration.md).

${settingsTable(GATEWAY_SETTINGS.rows)}
`;
}
