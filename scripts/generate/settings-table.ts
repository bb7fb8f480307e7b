import type { SettingRow } from "../../src/config/settings/row.ts";

/** A Markdown table of settings; `named` writes a variable's name. */
export function settingsTable(
  rows: Readonly<Record<string, SettingRow<unknown>>>,
  named: (variable: string) => string = (variable) => `\`${variable}\``,
): string {
  const lines = Object.entries(rows).map(
    ([key, row]) =>
      `| ${row.variables.map(named).join(", ")} | \`${key}\` | ${cell(accepted(row))} | ${cell(fallback(row))} | ${cell(row.meaning)} |`,
  );
  return `| variable | in the file | accepts | default | meaning |
|---|---|---|---|---|
${lines.join("\n")}`;
}

/** What is accepted, in the words with which the parser refuses; no setting takes this text, or else it takes any. */
function accepted(row: SettingRow<unknown>): string {
  try {
    row.parse("\0");
    return "any text";
  } catch (error) {
    return (error as Error).message;
  }
}

function fallback(row: SettingRow<unknown>): string {
  if (row.otherwise !== undefined) return row.otherwise;
  if (row.fallback === undefined) return "required";
  const value = row.fallback();
  if (value === undefined || JSON.stringify(value) === "{}" || JSON.stringify(value) === "[]") return "";
  return `\`${String(value)}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
