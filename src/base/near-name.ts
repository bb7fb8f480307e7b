/** Of shorter names any other is near. */
const LEAST = 4;
/** Names shorter than this may differ in one place only: two would make other words of them. */
const SHORT = 10;

/**
 * The one of `known` that a person most likely meant by `name`: the same letters in other spelling (case, dashes, underscores), or
 * one or two slips away. Undefined when none is near, or when `name` is one of them.
 * Names have `least` letters or more: where few are known and all are short, three are enough.
 */
export function nearName(name: string, known: Iterable<string>, least: number = LEAST): string | undefined {
  let best: { readonly name: string; readonly slips: number } | undefined;
  for (const candidate of known) {
    if (candidate === name) return undefined;
    const [written, meant] = [bare(name), bare(candidate)];
    const most = Math.min(written.length, meant.length) < SHORT ? 1 : 2;
    if (Math.min(written.length, meant.length) < least || Math.abs(written.length - meant.length) > most) continue;
    const slips = distance(written, meant);
    if (slips <= most && (best === undefined || slips < best.slips)) best = { name: candidate, slips };
  }
  return best?.name;
}

function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]/g, "");
}

/** Letters put in, left out, changed, or swapped with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? 0) + 1 : Infinity;
      row.push(Math.min(changed, swapped, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
