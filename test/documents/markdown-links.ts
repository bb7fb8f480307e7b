/** A link in a Markdown text: what it points to, and the line it is on. */
export interface Link {
  readonly target: string;
  readonly line: number;
}

const LINK = /!?\[[^\]]*\]\(([^()\s]+(?:\([^()]*\))?)(?:\s+"[^"]*")?\)|<(?:img|a)\s[^>]*?(?:src|href)="([^"]+)"/g;
const ELSEWHERE = /^([a-z][a-z0-9+.-]*:|\/\/)/i;

/** Links and pictures that point into the repository (not to another site), outside code. */
export function relativeLinks(markdown: string): readonly Link[] {
  return withoutCode(markdown).flatMap((text, at) =>
    [...text.matchAll(LINK)]
      .map((match) => ({ target: match[1] ?? match[2] ?? "", line: at + 1 }))
      .filter(({ target }) => !ELSEWHERE.test(target)),
  );
}

/** The anchors that a Markdown text offers: its headings as the usual viewers turn them into names, and `id`s. */
export function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const line of withoutFences(markdown)) {
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1];
    if (heading !== undefined) anchors.add(unused(slug(heading), anchors));
    for (const [, id] of line.matchAll(/\b(?:id|name)="([^"]+)"/g)) if (id !== undefined) anchors.add(id);
  }
  return anchors;
}

function slug(heading: string): string {
  const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
  return text.replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
}

/** The second heading of one name gets `-1`, the third `-2`. */
function unused(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  for (let count = 1; ; count++) if (!taken.has(`${name}-${count}`)) return `${name}-${count}`;
}

function withoutCode(markdown: string): readonly string[] {
  return withoutFences(markdown).map((line) => line.replace(/`[^`]*`/g, ""));
}

/** The lines, with those of fenced code made empty. */
function withoutFences(markdown: string): readonly string[] {
  let fence: string | undefined;
  return markdown.split("\n").map((line) => {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence) === true) fence = undefined;
      return "";
    }
    fence = mark;
    return mark === undefined ? line : "";
  });
}
