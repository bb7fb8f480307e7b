/** True for a code unit that every quoting leaves as it is: the letters and digits of ASCII. */
export function isPlain(unit: number): boolean {
  return (unit >= 97 && unit <= 122) || (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90);
}

/** How many plain units follow each other from a place on, at most so many. */
export function plainRun(text: string, from: number, most: number): number {
  let at = from;
  while (at < text.length && at - from < most && isPlain(text.charCodeAt(at))) at++;
  return at - from;
}
