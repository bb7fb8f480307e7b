import { readFile, writeFile } from "node:fs/promises";
import type { Figure } from "./figure.ts";
import type { GroupName } from "./measurements.ts";
import { markdownTable } from "./table.ts";

const MARKS: Readonly<Record<GroupName, { readonly begin: string; readonly end: string }>> = {
  alone: {
    begin: "<!-- figures: written by `npm run bench -- --document` -->",
    end: "<!-- end of figures -->",
  },
  kubernetes: {
    begin: "<!-- figures on a cluster: written by `npm run bench -- kubernetes --document` -->",
    end: "<!-- end of figures on a cluster -->",
  },
};

/** Puts the figures and the machine they were measured on between the group's marks of a document. @throws Error when it has no marks */
export async function writeDocument(
  path: string,
  group: GroupName,
  figures: readonly Figure[],
  machine: readonly string[],
): Promise<void> {
  const { begin, end } = MARKS[group];
  const text = await readFile(path, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`Cannot write the figures: ${path} lacks the marks ${begin} and ${end}`);
  const lines = machine.map((line) => `- ${line}\n`).join("");
  await writeFile(
    path,
    `${text.slice(0, from + begin.length)}\n\n${lines}\n${markdownTable(figures)}\n${text.slice(to)}`,
  );
}
