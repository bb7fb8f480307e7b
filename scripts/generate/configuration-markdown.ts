import { flagOf, SETTING_KEYS, SETTINGS, type SettingRow } from "../../src/config/settings.ts";

/** docs/configuration.md: every setting of the runner, from the table that reads them. */
export function configurationMarkdown(): string {
  const rows = SETTING_KEYS.map((key) => {
    const row: SettingRow<unknown> = SETTINGS[key];
    const names = row.variables.map((name) => `\`${name}\``).join(", ");
    return `| ${names} | \`--${flagOf(key)}\` | \`${key}\` | ${fallback(row)} | ${row.meaning.replaceAll("|", "\\|")} |`;
  });
  return `# Settings of the runner

Generated from \`src/config/settings.ts\` by \`npm run generate\`. Do not edit.

A flag wins over a variable, a variable over the file (\`--config FILE\` or \`CONFIG_FILE\`, YAML, unknown keys are refused), the file over the default.
Where several variables are listed, the first is the name to use; the others are older names that still work.
An empty text counts as not set. All problems are printed at once, and the exit code is 2.

| variable | flag | in the file | default | meaning |
|---|---|---|---|---|
${rows.join("\n")}
`;
}

function fallback(row: SettingRow<unknown>): string {
  if (row.fallback === undefined) return "required";
  const value = row.fallback();
  if (value === undefined || JSON.stringify(value) === "{}") return "";
  return `\`${String(value)}\``;
}
