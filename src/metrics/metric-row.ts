import type { DurationsSnapshot } from "../base/durations.ts";
import type { CountsByWord, MetricSnapshot } from "./snapshot.ts";

/** One value with its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Common {
  readonly name: string;
  readonly help: string;
  /** Names of the labels that every sample has. */
  readonly labels: readonly string[];
}

/** One metric: what scrapers see of it, and where its value comes from. */
export type MetricRow = Common &
  (
    | {
        readonly type: "counter" | "gauge";
        /** Undefined: there is nothing to tell yet. */
        readonly read: (snapshot: MetricSnapshot) => number | readonly Sample[] | undefined;
      }
    | {
        /** `_count` and `_sum` without quantiles, or with buckets as well. */
        readonly type: "summary" | "histogram";
        readonly measured: (snapshot: MetricSnapshot) => DurationsSnapshot;
      }
  );

/** One sample for each word, with the word as its label. */
export function byWord(label: string, counts: CountsByWord): readonly Sample[] {
  return [...counts].map(([word, value]) => ({ labels: { [label]: word }, value }));
}
