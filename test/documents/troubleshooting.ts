import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The text of docs/troubleshooting.md. */
export const troubleshooting: string = readFileSync(join(import.meta.dirname, "../../docs/troubleshooting.md"), "utf8");

/** What the document says under the heading that shows this text, or undefined when there is none. */
export function remedyFor(text: string): string | undefined {
  const lines = troubleshooting.split("\n");
  const start = lines.findIndex((line) => line.startsWith("### ") && line.includes(text));
  if (start < 0) return undefined;
  const length = lines.slice(start + 1).findIndex((line) => /^##/.test(line));
  return lines.slice(start + 1, length < 0 ? undefined : start + 1 + length).join("\n");
}
