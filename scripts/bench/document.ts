import { readFile, writeFile } from "node:fs/promises";
import type { Figure } from "./figure.ts";
import { markdownTable } from "./table.ts";

const BEGIN = "<!-- figures: written by `npm run bench -- --document` -->";
const END = "<!-- end of figures -->";

/** Puts the figures and the machine they were measured on between the marks of a document. @throws Error when it has no marks */
export async function writeDocument(
  path: string,
  figures: readonly Figure[],
  machine: readonly string[],
): Promise<void> {
  const text = await readFile(path, "utf8");
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`Cannot write the figures: ${path} lacks the marks ${BEGIN} and ${END}`);
  const lines = machine.map((line) => `- ${line}\n`).join("");
  await writeFile(
    path,
    `${text.slice(0, from + BEGIN.length)}\n\n${lines}\n${markdownTable(figures)}\n${text.slice(to)}`,
  );
}
