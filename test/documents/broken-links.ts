import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { anchorsOf, relativeLinks } from "./markdown-links.ts";

/** Relative links of these Markdown files (paths in `root`) that lead nowhere, one line each. */
export function brokenLinks(root: string, files: readonly string[]): readonly string[] {
  return files.flatMap((file) => {
    const path = join(root, file);
    return relativeLinks(readFileSync(path, "utf8")).flatMap(({ target, line }) => {
      const problem = problemOf(path, target);
      return problem === undefined ? [] : [`${file}:${line} links to ${target}: ${problem}`];
    });
  });

  function problemOf(from: string, target: string): string | undefined {
    const [place = "", anchor] = decodeURI(target).split("#");
    const path = place === "" ? from : join(dirname(from), place);
    if (relative(root, path).startsWith("..")) return "it leaves the repository";
    if (!existsSync(path)) return "there is no such file";
    if (anchor === undefined || !path.endsWith(".md")) return undefined;
    return anchorsOf(readFileSync(path, "utf8")).has(anchor) ? undefined : "there is no such heading";
  }
}
