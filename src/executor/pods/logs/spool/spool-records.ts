import type { LogSource } from "../log-source.ts";
import { type LogPosition, NOTHING_READ } from "../stream/log-intake.ts";

/*
 * What is remembered of a spool beside its text, as lines of JSON in the order in which it happened. The last line that says how
 * many bytes there are is the truth: text behind them was not finished and is read again.
 */

/** A stretch of the text that is ours, not the program's. */
export interface OwnText {
  readonly from: number;
  readonly bytes: number;
}

/** The whole log: its length and hash; without, when that can't be known any more. */
export interface SpoolEnd {
  readonly sha256?: string;
  /** Its last attempt was compared with what the wrapper stated. */
  readonly compared?: boolean;
}

/** Whether something of the log is missing: perhaps, which the comparison with the wrapper's statement will tell, or surely. */
export type SpoolGap = "none" | "doubted" | "sure";

/** One line of the journal; what is absent stays as it was. */
export interface SpoolRecord {
  /** Length of the text from here on. */
  readonly bytes?: number;
  /** Content of the attempt so far: bytes that came from the program. */
  readonly content?: number;
  readonly position?: LogPosition;
  /** A new attempt begins, or another pod of the same; epoch milliseconds say when that was noted. */
  readonly source?: LogSource;
  /** Pods whose logs came before. */
  readonly pods?: readonly string[];
  readonly at?: number;
  readonly own?: readonly OwnText[];
  /** Offset of the text's first byte: what was before it is gone. */
  readonly base?: number;
  readonly gap?: SpoolGap;
  /** The log has ended; null: it goes on after all. */
  readonly end?: SpoolEnd | null;
}

/** All that the journal says. */
export interface SpoolFacts {
  bytes: number;
  content: number;
  position: LogPosition;
  source: LogSource | undefined;
  /** Pods whose logs came before that of `source`. */
  pods: readonly string[];
  /** Where the attempt's text begins in the file. */
  attemptFrom: number;
  /** Epoch milliseconds of the first attempt's beginning. */
  createdAt: number | undefined;
  own: OwnText[];
  base: number;
  gap: SpoolGap;
  end: SpoolEnd | undefined;
}

/** A spool about which nothing is known. */
export function emptyFacts(): SpoolFacts {
  return {
    bytes: 0,
    content: 0,
    position: NOTHING_READ,
    source: undefined,
    pods: [],
    attemptFrom: 0,
    createdAt: undefined,
    own: [],
    base: 0,
    gap: "none",
    end: undefined,
  };
}

/** Adds what a record says. */
export function applyRecord(facts: SpoolFacts, record: SpoolRecord): void {
  facts.pods = record.pods ?? facts.pods;
  if (record.source !== undefined) {
    if (facts.source !== undefined) facts.pods = [...facts.pods, facts.source.podName];
    facts.source = record.source;
    facts.attemptFrom = facts.bytes;
    facts.createdAt ??= record.at;
    facts.content = 0;
    facts.position = NOTHING_READ;
  }
  facts.bytes = record.bytes ?? facts.bytes;
  facts.content = record.content ?? facts.content;
  facts.position = record.position ?? facts.position;
  facts.base = record.base ?? facts.base;
  facts.gap = record.gap ?? facts.gap;
  if (record.own !== undefined) facts.own.push(...record.own);
  if (record.end !== undefined) facts.end = record.end ?? undefined;
}

/** One line of the journal. The line end comes first, so that a half line before it, of a full disk or a crash, spoils only itself. */
export function recordLine(record: SpoolRecord): string {
  return `\n${JSON.stringify(record)}`;
}

/** Reads a journal; lines that can't be read are left out. */
export function readFacts(journal: string): SpoolFacts {
  const facts = emptyFacts();
  for (const line of journal.split("\n")) {
    const record = parseRecord(line);
    if (record !== undefined) applyRecord(facts, record);
  }
  return facts;
}

/** The records that say all that `facts` say. */
export function recordsOf(facts: SpoolFacts): readonly SpoolRecord[] {
  const { bytes, content, position, source, pods, attemptFrom, createdAt, own, base, gap, end } = facts;
  return [
    { bytes: attemptFrom },
    ...(source === undefined ? [] : [{ source, ...(createdAt === undefined ? {} : { at: createdAt }) }]),
    { bytes, content, position, pods, own, base, gap, ...(end === undefined ? {} : { end }) },
  ];
}

function parseRecord(line: string): SpoolRecord | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as SpoolRecord;
  } catch {
    return undefined;
  }
}
