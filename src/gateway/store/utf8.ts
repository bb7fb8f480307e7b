/** The first position from `index` on at which a character of this UTF-8 text begins; its length at the end. */
export function startOfCharacter(data: Uint8Array, index: number): number {
  let position = index;
  while (position < data.length && isContinuation(data[position])) position++;
  return Math.min(position, data.length);
}

/** The end of the longest part from `from` (where a character begins) of at most `limit` bytes and whole characters; at least one character. */
export function cutAtCharacter(data: Uint8Array, from: number, limit: number): number {
  let end = Math.min(data.length, from + limit);
  while (end > from && end < data.length && isContinuation(data[end])) end--;
  return end > from ? end : startOfCharacter(data, from + 1);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
