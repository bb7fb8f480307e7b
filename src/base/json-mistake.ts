const SPACE = /[\t\n\r ]*/y;
// All but quotes, backslashes and control characters.
const TEXT = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const OTHER = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

/** What may stand at a place. */
type Wanted = "value" | "value or ]" | "name" | "name or }" | "colon" | "comma";

/**
 * Where a text stops being JSON, and what must stand there, for people: `line 3, column 5: a comma or } must stand there`. Nothing of the
 * text is repeated. Undefined for JSON.
 */
export function jsonMistake(text: string): string | undefined {
  const open: ("]" | "}")[] = [];
  let wanted: Wanted = "value";
  let at = skip(SPACE, text, 0);
  for (;;) {
    const sign = text[at] ?? "";
    const closing = open.at(-1);
    if (wanted === "comma" && closing === undefined) break;
    let next = at;
    if (wanted === "comma" && sign === ",") {
      wanted = closing === "}" ? "name" : "value";
      next++;
    } else if (sign !== "" && sign === closing && /comma| or /.test(wanted)) {
      open.pop();
      wanted = "comma";
      next++;
    } else if (wanted === "colon" && sign === ":") {
      wanted = "value";
      next++;
    } else if (wanted.startsWith("name")) {
      next = skip(TEXT, text, at);
      if (next > at) wanted = "colon";
    } else if (wanted.startsWith("value") && (sign === "{" || sign === "[")) {
      open.push(sign === "{" ? "}" : "]");
      wanted = sign === "{" ? "name or }" : "value or ]";
      next++;
    } else if (wanted.startsWith("value")) {
      next = Math.max(skip(TEXT, text, at), skip(OTHER, text, at));
      if (next > at) wanted = "comma";
    }
    if (next === at) return place(text, at, words(wanted, closing));
    at = skip(SPACE, text, next);
  }
  return at === text.length ? undefined : place(text, at, "nothing more may follow");
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function words(wanted: Wanted, closing: string | undefined): string {
  switch (wanted) {
    case "comma":
      return `a comma or ${closing} must stand there`;
    case "colon":
      return "a colon must stand there";
    case "name":
      return "a name in double quotes must stand there";
    case "name or }":
      return "a name in double quotes or } must stand there";
    default:
      return `a ${wanted} must stand there: a text in double quotes, a number, true, false, null, { or [`;
  }
}

function place(text: string, at: number, what: string): string {
  const before = text.slice(0, at).split("\n");
  const end = at === text.length ? ", and the text ends" : "";
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${what}${end}`;
}
