import { commandsMarkdown } from "./commands-markdown.ts";
import { configurationMarkdown } from "./configuration-markdown.ts";
import { troubleshooting } from "./errors.ts";
import { gatewayConfigurationMarkdown } from "./gateway-configuration-markdown.ts";
import { metricsMarkdown } from "./metrics-markdown.ts";
import { openApi } from "./openapi.ts";
import { protocolMarkdown } from "./protocol-markdown.ts";
import { protocolSchema } from "./protocol-schema.ts";
import { protocolTypes } from "./protocol-types.ts";
import { rbacMarkdown } from "./rbac.ts";

/** A file that is derived from the sources: `make` is handed its present text and answers the text it should have. */
export interface GeneratedFile {
  readonly path: string;
  readonly make: (present: string) => string | Promise<string>;
}

/** Every generated file of the project. */
export const generatedFiles: readonly GeneratedFile[] = [
  { path: "src/protocol/messages.ts", make: () => protocolTypes() },
  { path: "docs/protocol.schema.json", make: () => protocolSchema() },
  { path: "docs/commands.md", make: () => commandsMarkdown() },
  { path: "docs/configuration.md", make: () => configurationMarkdown() },
  { path: "docs/gateway-configuration.md", make: () => gatewayConfigurationMarkdown() },
  { path: "docs/metrics.md", make: () => metricsMarkdown() },
  { path: "docs/rbac.md", make: () => rbacMarkdown() },
  { path: "docs/openapi.json", make: () => openApi() },
  { path: "docs/troubleshooting.md", make: (present) => troubleshooting(present) },
  { path: "docs/protocol.md", make: (present) => protocolMarkdown(present) },
];
