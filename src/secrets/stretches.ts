/** A stretch of a text, in units. */
export interface Stretch {
  start: number;
  end: number;
}

/** All stretches of both lists in order, those that touch or overlap as one. */
export function union(some: readonly Stretch[], more: readonly Stretch[]): Stretch[] {
  if (more.length === 0) return [...some];
  const joined: Stretch[] = [];
  for (const { start, end } of [...some, ...more].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const last = joined.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else joined.push({ start, end });
  }
  return joined;
}
