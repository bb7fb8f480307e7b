/*
 * Times before lines, as the kubelet writes them: RFC 3339 with nine digits of a second (`2006-01-02T15:04:05.000000000Z07:00`),
 * in the node's own zone. They are compared as bytes: a line of log costs no text.
 */

/** stdout and stderr are stamped side by side, so their lines may be so much out of order, in milliseconds. */
export const OVERLAP_MS = 500;

/** Longest time that is understood, in bytes. */
export const LONGEST_TIME = 40;

const DASH = 0x2d;
const LETTER_T = 0x54;
const LETTER_Z = 0x5a;

/** True when these bytes look like a time. */
export function isTime(bytes: Uint8Array): boolean {
  const { length } = bytes;
  if (length < 20 || length > LONGEST_TIME) return false;
  if (bytes[4] !== DASH || bytes[7] !== DASH || bytes[10] !== LETTER_T) return false;
  for (let index = 0; index < 4; index++) if (!isDigit(bytes[index])) return false;
  return bytes[length - 1] === LETTER_Z || isDigit(bytes[length - 1]);
}

/** Negative, zero or positive as the first time is before, at or after the second, whatever their zones. */
export function compareTimes(left: Uint8Array, right: Uint8Array): number {
  return compareParsed(parseTime(decode(left)), parseTime(decode(right)));
}

/** The whole second before the moment that lies `marginMs` before a time, for `sinceTime`; undefined when it can't be understood. */
export function secondBefore(time: string, marginMs: number): string | undefined {
  const moment = momentOf(time);
  if (Number.isNaN(moment)) return undefined;
  return `${new Date(moment - marginMs).toISOString().slice(0, 19)}Z`;
}

/** Epoch milliseconds of a time. NaN when it can't be understood. */
export function momentOf(time: string): number {
  const { seconds, fraction } = parseTime(time);
  return seconds * 1000 + Number(`0.${fraction === "" ? "0" : fraction}`) * 1000;
}

function parseTime(time: string): { readonly seconds: number; readonly fraction: string } {
  const [, second = "", fraction = "", zone = ""] = /^(.{19})(?:\.(\d+))?(.+)$/.exec(time) ?? [];
  return { seconds: Date.parse(`${second}${zone}`) / 1000, fraction };
}

type ParsedTime = ReturnType<typeof parseTime>;

function compareParsed(left: ParsedTime, right: ParsedTime): number {
  if (left.seconds !== right.seconds) return left.seconds - right.seconds;
  const digits = Math.max(left.fraction.length, right.fraction.length);
  const [first, second] = [left.fraction.padEnd(digits, "0"), right.fraction.padEnd(digits, "0")];
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
