/** `1 run`, `2 runs`: a number with its noun, which takes an `s`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
