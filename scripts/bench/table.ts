import { type Figure, quantile, ratioOf, shownValue, verdictOf } from "./figure.ts";

const HEAD = ["figure", "target", "median", "spread", "baseline", "ratio", "verdict"] as const;

/** The figures as a table for a terminal. */
export function textTable(figures: readonly Figure[]): string {
  const rows = [HEAD, ...figures.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

/** The figures as a Markdown table. */
export function markdownTable(figures: readonly Figure[]): string {
  const rows = [HEAD, HEAD.map(() => "---"), ...figures.map(cells)];
  return rows.map((row) => `| ${row.join(" | ")} |\n`).join("");
}

/** The figures for programs. */
export function jsonRows(figures: readonly Figure[]): readonly object[] {
  return figures.map((figure) => ({
    name: figure.name,
    unit: figure.unit,
    target: figure.target,
    value: shownValue(figure),
    quantile: figure.quantile ?? 0.5,
    p10: quantile(figure.samples, 0.1),
    p90: quantile(figure.samples, 0.9),
    samples: figure.samples,
    baseline: figure.baseline,
    ratio: ratioOf(figure),
    verdict: verdictOf(figure),
  }));
}

function cells(figure: Figure): readonly string[] {
  const { unit, samples, target, baseline } = figure;
  const ratio = ratioOf(figure);
  return [
    figure.name,
    target === undefined
      ? ""
      : "atMost" in target
        ? `≤ ${amount(target.atMost, unit)}`
        : `≥ ${amount(target.atLeast, unit)}`,
    amount(shownValue(figure), unit),
    spread(samples, unit),
    baseline === undefined
      ? ""
      : `${baseline.name}: ${amount(quantile(baseline.samples, figure.quantile ?? 0.5), unit)}`,
    ratio === undefined ? "" : `× ${short(ratio)}`,
    verdictOf(figure),
  ];
}

/** Everything that was seen when it is little, else what nine of ten were between. */
function spread(samples: readonly number[], unit: Figure["unit"]): string {
  if (samples.length < 2) return "once";
  const [from, to] = samples.length < 10 ? [0, 1] : [0.1, 0.9];
  const words = samples.length < 10 ? "min..max" : "p10..p90";
  const [low, high] = [quantile(samples, from), quantile(samples, to)];
  return `${short(low)}..${amount(high, unit)} (${words} of ${samples.length})`;
}

function amount(value: number, unit: Figure["unit"]): string {
  return unit === "ratio" || unit === "count" ? short(value) : `${short(value)} ${unit}`;
}

function short(value: number): string {
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}
