import { clip } from "../../../base/clip.ts";
import { fields, oneOf, optional, readShape, type Shape, text, whole } from "../../../base/shape.ts";
import { BOUNDS } from "../../../protocol/bounds.ts";
import { FAILURE_CATEGORIES, type FailureCategory } from "../../../protocol/failure-category.ts";

/**
 * What the runner had found when it ended a pod itself: because the container could never start, because its node is lost, or
 * because only side-cars were left. It is written into the Job by the same patch that ends the pod, so that a runner that
 * starts anew tells the same end. Times are epoch milliseconds.
 */
export interface EndingRecord {
  readonly state: "success" | "failed";
  readonly at: number;
  readonly pod?: string;
  readonly startedAt?: number;
  readonly exitCode?: number;
  readonly category?: FailureCategory;
  readonly summary?: string;
  readonly detail?: string;
  readonly advice?: string;
  readonly proof: string;
  /** The program had not ended: the run's end is told only when its pods are gone. */
  readonly await?: "pods";
}

const DETAIL_LIMIT = 2000;

const shape: Shape<EndingRecord> = fields<EndingRecord>({
  state: oneOf("success", "failed"),
  at: whole(BOUNDS.timestamp),
  pod: optional(text),
  startedAt: optional(whole(BOUNDS.timestamp)),
  exitCode: optional(whole(BOUNDS.exitCode)),
  category: optional(oneOf(...(Object.keys(FAILURE_CATEGORIES) as FailureCategory[]))),
  summary: optional(text),
  detail: optional(text),
  advice: optional(text),
  proof: text,
  await: optional(oneOf("pods")),
});

/** The text of the annotation. */
export function endingText(record: EndingRecord): string {
  const { detail } = record;
  return JSON.stringify(detail === undefined ? record : { ...record, detail: clip(detail, DETAIL_LIMIT) });
}

/** The record in an annotation; undefined where there is none, or one that says nothing. */
export function readEnding(annotation: string | undefined): EndingRecord | undefined {
  if (annotation === undefined) return undefined;
  try {
    return readShape(shape, JSON.parse(annotation)).value;
  } catch {
    return undefined;
  }
}
