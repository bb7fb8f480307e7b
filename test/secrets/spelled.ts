import { createHash } from "node:crypto";
import { MASK, type Redactor } from "../../src/secrets/redactor.ts";

/** Values as people have them, each with what is special about it. */
export const SAMPLE_VALUES: Readonly<Record<string, string>> = {
  "quotes, blanks and signs": `p@ss w0rd'with"quotes$5 & 100%\\ok<#>;/?`,
  "umlauts and a blank": "Grüße aus Köln 2024!",
  "characters beyond 16 bits": "🔑key&lock🔒open'sesame",
  "white space that doesn't print": "ab\u00a0cd\u200befgh\u2028ijkl'",
  "several lines": "line one $x\nline 'two' \"2\"\n\tthird ü%",
  "four characters": "p'4$",
  "five characters": "ä&'ß\"",
  "signs only": `'$"\\&%!`,
  "an address": "postgresql://user:p%40ss@db.example.com:5432/shop?sslmode=require&x='y'",
  "letters and digits": "ghp16C7e42F292c6912E7710c838347Ae178B4a",
  "a long word": `${"x9".repeat(60)}end0`,
  "short and plain": "hunter2!",
  "begins with signs": `"'&<ü\\$%Secret123`,
  "ends with signs": `Secret123"'&<ü\\$%`,
  "64 KiB of letters": longText(65_536, ""),
  "64 KiB with signs and umlauts": longText(65_536, ` "'\\$%&<>ü€🔑\n\t:/@#;`),
};

/** A text of so many units that is always the same: words, with some of the signs in between. */
export function longText(units: number, signs: string): string {
  const between = Array.from(signs);
  let text = "";
  for (let count = 0; text.length < units; count++) {
    const digest = createHash("sha256").update(String(count)).digest();
    text += digest
      .toString("base64")
      .replace(/[^A-Za-z0-9]/g, "")
      .slice(0, 4 + ((digest[0] ?? 0) % 30));
    text += between[(digest[1] ?? 0) % Math.max(1, between.length)] ?? "";
  }
  return text;
}

/** What may be left at the edges of a mask: in base64 the characters that also hold bits of what stands around it. Of a long value a sign here and there. */
const EDGES = 12;

/** What is wrong when a value is spelled so; undefined when it is masked. `frame` is the length of what the writer puts around. */
export function expectMasked(redactor: Redactor, value: string, spelled: string, frame: number): string | undefined {
  const out = redactor.mask(`before ${spelled} behind`);
  const left = out.replaceAll(MASK, "").slice("before ".length, -" behind".length);
  const shown = (value.match(/[A-Za-z0-9]{4,}/g) ?? []).filter((run) => run.length >= 4 && left.includes(run));
  if (out.includes(MASK) && left.length <= frame + EDGES + spelled.length / 100 && shown.length === 0) return undefined;
  return `${left.length} of ${spelled.length} units left: ${left.slice(0, 200)}`;
}
