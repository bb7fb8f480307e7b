import { escapeUnit, jsonForYaml } from "../base/exact-json.ts";
import { withoutDollars } from "./json.ts";
import { isPlain } from "./plain-units.ts";

/** One way in which programs write a character that isn't a letter or a digit of ASCII. */
export type Style = (character: string) => string;

const SHORT: Readonly<Record<string, string>> = {
  "\0": "\\0",
  "\x07": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  "\x1b": "\\e",
};
const ENTITIES: Readonly<Record<string, string>> = { "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos" };
const QUOTES = /^["'`]$/;

const encoder = new TextEncoder();
const bytesOf = (character: string): readonly number[] => [...encoder.encode(character)];
const hex = (number: number, digits = 2): string => number.toString(16).padStart(digits, "0");
const isAscii = (character: string): boolean => character <= "\x7f";
const isPrintable = (character: string): boolean => character === " " || !/[\p{C}\p{Z}]/u.test(character);

/** What Python's `repr` does to a character it can't print, and `ascii` to one beyond ASCII. */
function pythonEscape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (character === "\n" || character === "\r" || character === "\t") return SHORT[character] ?? "";
  if (code <= 0xff) return `\\x${hex(code)}`;
  return code <= 0xffff ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

const json: Style = (character) => JSON.stringify(character).slice(1, -1);
const jsonAscii: Style = (character) => json(character).replace(/[^ -~]/g, escapeUnit);
const repr: Style = (character) => {
  if (character === "\\") return "\\\\";
  return isPrintable(character) ? character : pythonEscape(character);
};
const quotedRepr: Style = (character) => (character === "'" ? "\\'" : repr(character));
const ascii: Style = (character) =>
  isAscii(character) || character === "\\" ? quotedRepr(character) : pythonEscape(character);
const octal: Style = (character) =>
  bytesOf(character)
    .map((byte) => `\\${byte.toString(8).padStart(3, "0")}`)
    .join("");
const byteEscapes: Style = (character) => {
  if (isAscii(character)) return quotedRepr(character);
  return bytesOf(character)
    .map((byte) => `\\x${hex(byte)}`)
    .join("");
};

/** Percent-encoding of all but the characters that are kept. */
function percent(kept: RegExp): Style {
  return (character) => {
    if (kept.test(character)) return character;
    return bytesOf(character)
      .map((byte) => `%${hex(byte).toUpperCase()}`)
      .join("");
  };
}
const component = percent(/^[-_.!~*'()]$/);
const strict = percent(/^[-_.~]$/);
const urls: readonly Style[] = [
  component,
  strict,
  percent(/^[-_.~/]$/),
  // encodeURI
  percent(/^[-_.!~*'();/?:@&=+$,#]$/),
  // SQLAlchemy's URLs, 1.4 and 2.0
  percent(/^[^:@/]$/u),
  percent(/^[-_.~ +]$/),
];
const withPlus: readonly Style[] = urls.map((style) => (character) => (character === " " ? "+" : style(character)));

/** A reference by number, in the ways of XML and HTML writers. */
const numbered =
  (write: (code: number) => string): Style =>
  (character) =>
    `&#${write(character.codePointAt(0) ?? 0)};`;
const decimal = numbered((code) => String(code));
const references: readonly Style[] = [
  decimal,
  numbered((code) => `0${code}`),
  numbered((code) => `x${hex(code)}`),
  numbered((code) => `x${hex(code, 1)}`),
  numbered((code) => `x${hex(code, 1).toUpperCase()}`),
  numbered((code) => `x${hex(code).toUpperCase()}`),
];
const entity: Style = (character) => (ENTITIES[character] === undefined ? character : `&${ENTITIES[character]};`);
const entityOfText: Style = (character) => (QUOTES.test(character) ? character : entity(character));
const markup = references.flatMap((reference): readonly Style[] => [
  entityOfText,
  (character) => (character === "'" ? character : entity(character)),
  (character) =>
    QUOTES.test(character) || (isPrintable(character) && isAscii(character))
      ? entityOfText(character)
      : reference(character),
  (character) => (QUOTES.test(character) ? reference(character) : entity(character)),
  (character) =>
    QUOTES.test(character) || !isPrintable(character) || !isAscii(character) ? reference(character) : entity(character),
  (character) => (QUOTES.test(character) || isPrintable(character) ? entity(character) : reference(character)),
]);

const shells: readonly Style[] = [
  (character) => (character === "'" ? "'\\''" : character),
  (character) => (character === "'" ? `'"'"'` : character),
  (character) => (character === "\n" ? "'$'\\n''" : `\\${character}`),
  (character) =>
    isPrintable(character) && isAscii(character) ? `\\${character}` : (SHORT[character] ?? octal(character)),
  (character) =>
    isPrintable(character) && isAscii(character) ? quotedRepr(character) : (SHORT[character] ?? octal(character)),
  (character) => (/["$`\\]/.test(character) ? `\\${character}` : character),
];
const doubled = ["'", '"', "%", "$", "`", "\\", "^", "{", "}"].map(
  (sign): Style =>
    (character) =>
      character === sign ? sign + sign : character,
);
const backtick: Style = (character) => {
  if (!isAscii(character)) return `\`u{${hex(character.codePointAt(0) ?? 0, 1)}}`;
  return SHORT[character]?.replace("\\", "`") ?? `\`${character}`;
};
const dollarBacktick: Style = (character) => (/["$`]/.test(character) ? `\`${character}` : character);

/** Python's error handler `backslashreplace` and its codec `unicode_escape`. */
const escapes: readonly Style[] = [
  (character) => (isAscii(character) ? character : pythonEscape(character)),
  (character) => (character === "\\" || !isAscii(character) || !isPrintable(character) ? ascii(character) : character),
];
const jsons: readonly Style[] = [
  json,
  jsonAscii,
  (character) => (/[<>&\u2028\u2029]/.test(character) ? escapeUnit(character) : json(character)),
  (character) => withoutDollars(jsonForYaml(character).slice(1, -1)),
  (character) => (character === "/" ? "\\/" : json(character)),
];
const yamlNames: Readonly<Record<string, string>> = {
  "\u0085": "\\N",
  "\u00a0": "\\_",
  "\u2028": "\\L",
  "\u2029": "\\P",
};
const yaml: Style = (character) => {
  if (isPrintable(character) && isAscii(character)) return json(character);
  return yamlNames[character] ?? SHORT[character] ?? pythonEscape(character);
};
const inUpperCase =
  (style: Style): Style =>
  (character: string) =>
    style(character).replace(/(?<=\\[xuU]\{?)[0-9a-f]+/g, (code) => code.toUpperCase());

const escapeUnits: Style = (character) =>
  Array.from({ length: character.length }, (_, at) => escapeUnit(character.charAt(at))).join("");
const byteEscape: Style = (character) =>
  bytesOf(character)
    .map((byte) => `\\x${hex(byte)}`)
    .join("");

/** What stands for a character that a character set hasn't got, and UTF-8 that was read as another set. */
const beyondAscii =
  (style: Style): Style =>
  (character) =>
    isAscii(character) ? character : style(character);
const lossy: readonly Style[] = [
  () => "?",
  (character: string) => "?".repeat(bytesOf(character).length),
  () => "\ufffd",
  (character: string) => "\ufffd".repeat(bytesOf(character).length),
  (character: string) => String.fromCharCode(...bytesOf(character)),
  (character: string) => new TextDecoder("windows-1252").decode(encoder.encode(character)),
].map(beyondAscii);

const quotedPrintable: Style = (character) => {
  if (isAscii(character) && isPrintable(character) && character !== "=") return character;
  return bytesOf(character)
    .map((byte) => `=${hex(byte).toUpperCase()}`)
    .join("");
};
/** JavaScript's `escape`. */
const oldEscape: Style = (character) =>
  Array.from({ length: character.length }, (_, at) => {
    const unit = character.charCodeAt(at);
    return unit <= 0xff ? `%${hex(unit).toUpperCase()}` : `%u${hex(unit, 4).toUpperCase()}`;
  }).join("");
const braced: Style = beyondAscii((character) => `\\u{${hex(character.codePointAt(0) ?? 0, 1)}}`);

/** The quotings of the usual writers, each as what it makes of one character. */
export const STYLES: readonly Style[] = [
  (character) => character,
  (character) => (character === "\n" ? "\r\n" : character),
  (character) => (character === "\n" ? "\r" : character),
  (character) => (character === " " ? "\n" : character),
  ...jsons,
  inUpperCase(jsonAscii),
  repr,
  quotedRepr,
  ascii,
  yaml,
  inUpperCase(yaml),
  byteEscapes,
  ...escapes,
  ...urls,
  ...withPlus,
  ...[...urls, ...withPlus].map(
    (style): Style =>
      (character) =>
        style(character).replace(/%../g, (code) => code.toLowerCase()),
  ),
  ...markup,
  ...shells,
  ...doubled,
  backtick,
  dollarBacktick,
  (character) => (/[&|<>^"%]/.test(character) ? `^${character}` : character),
  (character) => `\`${character}`,
  // JSON in JSON in JSON
  (character) => (/["\\]/.test(character) ? `${"\\".repeat(7)}${character}` : character),
  quotedPrintable,
  oldEscape,
  ...lossy,
  braced,
  inUpperCase(braced),
];

/** One writer's text inside of what another writes. */
const twice =
  (outer: Style, inner: Style): Style =>
  (character) =>
    Array.from(inner(character), (unit) => (isPlain(unit.charCodeAt(0)) ? unit : outer(unit))).join("");
export const NESTED: readonly Style[] = [json, quotedRepr, strict, component, entity, ...shells.slice(0, 2)].flatMap(
  (outer) => STYLES.map((inner) => twice(outer, inner)),
);

const controls =
  (write: Style): Style =>
  (character) =>
    isPrintable(character) && isAscii(character) ? character : write(character);
/** Writers that escape every sign, or control characters in ways of their own: the beginning of a text is known in these too. */
export const EVERY_SIGN: readonly Style[] = [
  decimal,
  numbered((code) => `x${hex(code)}`),
  numbered((code) => `x${hex(code).toUpperCase()}`),
  escapeUnits,
  inUpperCase(escapeUnits),
  byteEscape,
  inUpperCase(byteEscape),
  octal,
  // bash and ls: 'tab'$'\t''here'
  controls((character) => `'$'${SHORT[character] ?? octal(character)}''`),
  controls((character) => `'$'${octal(character)}''`),
  controls((character) => (character === "\x1b" ? "\\E" : (SHORT[character] ?? octal(character)))),
  controls(octal),
  // cat -v
  (character) => (character < " " ? `^${String.fromCharCode(character.charCodeAt(0) + 64)}` : character),
];

/** Spellings that are rare enough to be looked for only further inside. */
export const RARE: readonly Style[] = [
  ...references,
  octal,
  ...references.map((style) => twice(entity, style)),
  (character) => `\\U${hex(character.codePointAt(0) ?? 0, 8)}`,
  (character) => `\\x{${hex(character.codePointAt(0) ?? 0, 1)}}`,
];
/** What else stands for white space: in lines that were broken or joined, and tabs that were expanded. */
export const LINE_ENDS: Readonly<Record<string, readonly string[]>> = {
  "\n": ["\n\n", " ", "\\r\\n", "%0D%0A", "&#13;&#10;", "&#xD;&#xA;"],
  " ": ["\r\n", "\u00a0", "&nbsp;"],
  // Tabs that were expanded, and a line that was broken there.
  "\t": [...Array.from({ length: 8 }, (_, more) => " ".repeat(more + 1)), "\n"],
  "\u00a0": ["&nbsp;", " "],
  "\u2028": ["\n", "\u2028\u2028"],
  "\u2029": ["\n", "\u2029\u2029"],
  "\u0085": ["\n", "\u0085\u0085"],
};
