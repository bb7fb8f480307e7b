/** A text of at most `most` UTF-16 units, well-formed, and never ending in half a character; what was left out shows as `…`. */
export function clip(text: string, most: number): string {
  if (text.length <= most) return text.toWellFormed();
  const end = most - 1;
  const splits = isHigh(text.charCodeAt(end - 1)) && isLow(text.charCodeAt(end));
  return `${text.slice(0, splits ? end - 1 : end)}…`.toWellFormed();
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
