import { CodedError, describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { readShape, type Shape } from "../../base/shape.ts";
import { GATEWAY_ERRORS } from "../errors.ts";

/** What is stored as a row, in words for people. */
export type RowKind = "runner" | "token" | "service" | "pipeline" | "run";

/** Reads rows one by one: what one of them holds costs that one only. */
export interface RowReading {
  /** The records of those rows that can be read. The others are left out, and told once. */
  all<Row extends object, Record>(kind: RowKind, rows: readonly Row[], read: (row: Row) => Record): readonly Record[];
  /** True for the id of a row that was met and couldn't be read. */
  isUnreadable(kind: RowKind, id: string): boolean;
}

/** Ids that are remembered as told. */
const MOST_TOLD = 1000;

/** Makes one for a store. */
export function createRowReading(log: Log): RowReading {
  const told = new Set<string>();
  const tell = (kind: RowKind, id: string, problem: string): void => {
    const key = `${kind} ${id}`;
    if (told.has(key)) return;
    told.add(key);
    const [oldest] = told;
    if (told.size > MOST_TOLD && oldest !== undefined) told.delete(oldest);
    log.error("A row of the database can't be read and is left out", {
      error: unreadable(kind, id, problem),
    });
  };
  return {
    all: (kind, rows, read) =>
      rows.flatMap((row) => {
        try {
          return [read(row)];
        } catch (error) {
          tell(kind, idIn(kind, row), describeError(error));
          return [];
        }
      }),
    isUnreadable: (kind, id) => told.has(`${kind} ${id}`),
  };
}

/** The error of a row that can't be read. */
export function unreadable(kind: RowKind, id: string, problem: string): CodedError {
  return new CodedError(GATEWAY_ERRORS.RecordUnreadable, `Cannot read ${kind} ${id}: ${problem}`);
}

/** The row itself, when it has its shape. @throws Error that names the columns that don't fit, without their values */
export function fitting<T>(shape: Shape<T>, row: T): T {
  const { problems } = readShape(shape, row);
  if (problems === undefined) return row;
  throw new Error(problems.map(({ path, message }) => `${path} ${message}`).join(", "));
}

/**
 * A page of at most `limit` records, though rows may be left out: what the page lacks is read from behind its last row.
 * `rowsFrom` answers the rows behind a cursor, at most `limit`.
 */
export async function fullPage<Row, Record>(
  limit: number | undefined,
  rowsFrom: (after: Row | undefined) => Promise<readonly Row[]>,
  read: (rows: readonly Row[]) => readonly Record[],
): Promise<readonly Record[]> {
  const records: Record[] = [];
  for (let after: Row | undefined; ; ) {
    const rows = await rowsFrom(after);
    records.push(...read(rows));
    after = rows.at(-1);
    if (limit === undefined || rows.length < limit || records.length >= limit) return records.slice(0, limit);
  }
}

function idIn(kind: RowKind, row: object): string {
  const id = (row as Readonly<Record<string, unknown>>)[`${kind}_id`];
  return typeof id === "string" ? id.slice(0, 200) : "without an id";
}
