import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { brokenLinks } from "./broken-links.ts";

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "links-"));
  writeFileSync(join(root, "other.md"), '# One Thing: `code` & more\n\n## Twice\n## Twice\n<a id="here"></a>\n');
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function check(text: string): readonly string[] {
  writeFileSync(join(root, "page.md"), text);
  return brokenLinks(root, ["page.md"]);
}

test("brokenLinks names the line and the reason of each link that leads nowhere", () => {
  const text = '[a](gone.md)\n\n![b](no.svg "t") [c](other.md#absent)\n[d](../etc) <img alt="" src="no.png">';
  expect(check(text)).toEqual([
    "page.md:1 links to gone.md: there is no such file",
    "page.md:3 links to no.svg: there is no such file",
    "page.md:3 links to other.md#absent: there is no such heading",
    "page.md:4 links to ../etc: it leaves the repository",
    "page.md:4 links to no.png: there is no such file",
  ]);
});

test("brokenLinks lets good links, other sites and code pass", () => {
  const text = [
    "# Own heading",
    "[a](other.md) [b](other.md#one-thing-code--more) [c](other.md#twice-1) [d](other.md#here) [e](#own-heading)",
    "[f](https://example.org/gone) <mailto:a@example.org> `[g](gone.md)`",
    "```\n[h](gone.md)\n```",
  ].join("\n");
  expect(check(text)).toEqual([]);
});
