/** Controls, C0 but for tab and line feed, DEL and C1; what turns the direction of writing; separators of lines that aren't ends of lines. */
const DISTURBING = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
/** A change of colour, which does nothing else. */
const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;:]*m`, "gu");

/** Text of others for a person's terminal: colours are left out, and what could move the cursor or hide text is shown as `\u009b`. */
export function visibleText(text: string): string {
  return escapeDisturbing(text.replace(COLOUR, ""));
}

/** The same for a line of a log: JSON has no better escape for it, and text in quotes is JSON too. */
export function escapeDisturbing(text: string): string {
  return text.replace(DISTURBING, (unit) =>
    unit === "\n" || unit === "\t" ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
