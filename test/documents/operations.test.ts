import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { COMMANDS } from "../../src/commands/catalogue.ts";
import { flagOf, SETTING_KEYS, SETTINGS } from "../../src/config/settings.ts";
import { variablesIn } from "../../src/config/table.ts";
import { GATEWAY_FLAGS } from "../../src/gateway/config.ts";
import { GATEWAY_SETTINGS } from "../../src/gateway/settings.ts";

/* What the documents for operators tell people to type exists. */

const root = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const pages = ["README.md", "docs/operations.md", "docs/troubleshooting.md", "docs/security.md"] as const;

const runnerVariables = SETTING_KEYS.flatMap((key): readonly string[] => SETTINGS[key].variables);
const gatewayVariables = [...variablesIn(GATEWAY_SETTINGS).keys(), GATEWAY_SETTINGS.fileVariable];
/** Not settings, but names that people may meet. */
const OTHERS = ["OPENAI_KEY", "VAULT_TOKEN_V2", "CONFIG_FILE", "XDG_STATE_HOME", "ADMIN_TOKEN", "TOKEN-ID", "PATH"];
/** Of the system and the runtime. */
const ENVIRONMENT = [
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "OPENSSL_CONF",
];
const OF_NODE = /^NODE_[A-Z_]+$/;

test.each(pages)("%s names only variables that exist", (page) => {
  const text = read(page);
  const inUnits = [...text.matchAll(/^(?:Environment=|export )?([A-Z][A-Z_]{3,})=/gm)].map(([, name]) => name ?? "");
  const inProse = [...text.matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`/g)].map(([, name]) => name ?? "");
  const known = new Set([...runnerVariables, ...gatewayVariables, ...OTHERS, ...ENVIRONMENT]);
  const named = [...inUnits, ...inProse].filter((name) => !name.startsWith("HYBRID_RUNNER_SECRET_"));
  expect(named.length).toBeGreaterThan(2);
  expect(named.filter((name) => !known.has(name) && !OF_NODE.test(name))).toEqual([]);
});

test.each(pages)("%s names only flags that exist", (page) => {
  const ours = new Set([
    ...SETTING_KEYS.map(flagOf),
    ...Object.keys(GATEWAY_FLAGS),
    ...["config", "runner", "expires-in", "json", "once", "help"],
  ]);
  const flags = [...read(page).matchAll(/`--([a-z-]+)/g)].map(([, name]) => name ?? "");
  const commands = [...read(page).matchAll(/^hybrid-runner .*$/gm)].flatMap(([line]) =>
    [...line.matchAll(/ --([a-z-]+)/g)].map(([, name]) => name ?? ""),
  );
  const used = [...flags, ...commands].filter((name) => name !== "init");
  expect(used.filter((name) => !ours.has(name))).toEqual([]);
});

test("README.md names every command that people use, and no other", () => {
  const line = /^Commands: .*$/m.exec(read("README.md"))?.[0] ?? "";
  const named = new Set([...line.matchAll(/`(\w+)/g)].map(([, name]) => name));
  const commands = Object.entries(COMMANDS).filter(([, { internal }]) => internal !== true);
  expect([...named].sort()).toEqual([...new Set([...commands.map(([name]) => name.split(" ")[0]), "help"])].sort());
});

test("docs/operations.md keeps runs alive over a restart, and doesn't restart over a wrong configuration", () => {
  const unit = /^Description=Hybrid Runner\n([\s\S]*?)```/m.exec(read("docs/operations.md"))?.[1] ?? "";
  for (const line of ["KillMode=process", "Restart=always", "RestartPreventExitStatus=2", "OOMPolicy=continue"]) {
    expect(unit.split("\n")).toContain(line);
  }
  expect(unit).not.toMatch(/^PrivateTmp=/m);
});
