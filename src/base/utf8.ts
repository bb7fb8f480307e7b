/*
 * Edges of characters in bytes of UTF-8: a log is kept, cut and sent by bytes, and nobody is shown half a character.
 */

/** The longest character, so that a read of so many bytes always gets on. */
export const LONGEST_CHARACTER = 4;

/** How many bytes of a piece make whole characters: what is behind belongs to a character that goes on. */
export function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(LONGEST_CHARACTER, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (isContinuation(byte)) continue;
    return back < lengthOfCharacter(byte) ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** Where the character begins that `position` is in. */
export function characterAt(bytes: Uint8Array, position: number): number {
  let begin = position;
  while (begin > 0 && isContinuation(bytes[begin])) begin--;
  return begin;
}

/** The first position from `position` on at which a character begins; the piece's length when there is none. */
export function nextCharacter(bytes: Uint8Array, position: number): number {
  let begin = position;
  while (begin < bytes.length && isContinuation(bytes[begin])) begin++;
  return Math.min(begin, bytes.length);
}

/** The end of the longest part from `from` (where a character begins) of at most `limit` bytes and whole characters; at least one character. */
export function cutAtCharacter(bytes: Uint8Array, from: number, limit: number): number {
  let end = Math.min(bytes.length, from + limit);
  while (end > from && end < bytes.length && isContinuation(bytes[end])) end--;
  return end > from ? end : nextCharacter(bytes, from + 1);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0b1100_0000) === 0b1000_0000;
}

function lengthOfCharacter(first: number): number {
  if (first < 0b1100_0000) return 1;
  if (first < 0b1110_0000) return 2;
  return first < 0b1111_0000 ? 3 : 4;
}
