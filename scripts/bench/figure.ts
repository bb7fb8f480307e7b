/** One line of the table: what was measured, what it shall be, and what it is compared with. */
export interface Figure {
  readonly name: string;
  /** What the numbers are; also decides how they are written. */
  readonly unit: "ms" | "s" | "MB" | "MB/s" | "ratio" | "count" | "%";
  /** One number for each repetition, in the order they came. */
  readonly samples: readonly number[];
  /** Which part of the samples the target is about: 0.5, the median, when absent. */
  readonly quantile?: number;
  /** Absent: the figure is told for its own sake. */
  readonly target?: { readonly atMost: number } | { readonly atLeast: number };
  /** The same, measured in the same run without us. */
  readonly baseline?: { readonly name: string; readonly samples: readonly number[] };
}

/** A figure's outcome: `told` where there is no target. */
export type Verdict = "ok" | "over" | "under" | "told";

/** One measurement: a name for `--only`, and the work. It throws when it could not be made. */
export interface Measurement {
  readonly name: string;
  readonly measure: (bench: BenchContext) => Promise<readonly Figure[]>;
}

/** What measurements are given. */
export interface BenchContext {
  /** The built executable. */
  readonly executable: string;
  /** An executable of the same Node that does nothing, or with the argument `idle` waits for ever. */
  readonly empty: string;
  /** A directory of this run of the bench, on the disk that is measured. */
  readonly directory: string;
  /** Divides the repetitions, for a quick look. */
  readonly scale: number;
  readonly say: (line: string) => void;
}

/** The number that the target is about. */
export function shownValue(figure: Figure): number {
  return quantile(figure.samples, figure.quantile ?? 0.5);
}

/** Ours in parts of the baseline's: for times and memory less is better, for rates more. Undefined where the baseline is nothing. */
export function ratioOf(figure: Figure): number | undefined {
  if (figure.baseline === undefined) return undefined;
  const bare = quantile(figure.baseline.samples, figure.quantile ?? 0.5);
  return bare === 0 ? undefined : shownValue(figure) / bare;
}

/** Whether the target is met. */
export function verdictOf(figure: Figure): Verdict {
  const { target } = figure;
  if (target === undefined) return "told";
  if ("atMost" in target) return shownValue(figure) <= target.atMost ? "ok" : "over";
  return shownValue(figure) >= target.atLeast ? "ok" : "under";
}

/** The sample below which this part of all samples lies (nearest rank). @throws Error when there is none */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];
  if (value === undefined) throw new Error("there are no samples");
  return value;
}

/** How many repetitions, at least `least`. */
export function repetitions(wanted: number, scale: number, least = 3): number {
  return Math.max(least, Math.round(wanted / scale));
}
