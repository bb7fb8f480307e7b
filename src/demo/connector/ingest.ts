import { type Clock, sleep } from "../../base/clock.ts";
import { CodedError } from "../../base/errors.ts";
import { directoryOf, makeDirectory, writeDurably } from "../../runtime/files.ts";
import { openSqliteForReading, type SqliteReader } from "../../runtime/sqlite-read.ts";
import { DEMO_ERRORS } from "../errors.ts";
import type { DatabaseMetadata, TableMetadata } from "../metadata.ts";
import type { ConnectorInput } from "./input.ts";
import { listTables, readTable } from "./read-tables.ts";

/** SQLite's name of the schema that a file's own tables are in. */
const SCHEMA = "main";

/** What the ingestion stands on. */
export interface IngestOptions {
  readonly clock: Clock;
  /** Takes one line of the program's log, without its newline. */
  readonly log: (line: string) => Promise<void>;
  /** Milliseconds to rest after each table, so that a person can watch. */
  readonly pauseMs: number;
}

/**
 * The sample ingestion: reads tables and views, and writes what it found as one JSON file, whole or not at all.
 * It prints its connection string as careless connectors do: whoever starts it has to mask that line.
 * @throws CodedError SourceUnreadable, or the system's error when the file can't be written
 */
export async function ingest(input: ConnectorInput, options: IngestOptions): Promise<DatabaseMetadata> {
  const say = (line: string): Promise<void> => {
    return options.log(`${new Date(options.clock.now()).toISOString().slice(11, 19)} INFO  ${line}`);
  };
  await say(`Metadata ingestion of ${input.serviceName}, run ${input.runId}`);
  await say(`Connecting to ${input.connection}`);
  const database = open(input.databasePath);
  try {
    const tables = await readAll(database, input, options, say);
    const metadata: DatabaseMetadata = { serviceType: "SQLite", schema: SCHEMA, tables };
    await makeDirectory(directoryOf(input.metadataFile));
    await writeDurably(input.metadataFile, `${JSON.stringify(metadata, undefined, 2)}\n`);
    const rows = tables.reduce((sum, table) => sum + table.rowCount, 0);
    await say(`Done: ${tables.length} tables and views, ${rows} rows counted, metadata written`);
    return metadata;
  } finally {
    database.close();
  }
}

async function readAll(
  database: SqliteReader,
  input: ConnectorInput,
  options: IngestOptions,
  say: (line: string) => Promise<void>,
): Promise<readonly TableMetadata[]> {
  const all = input.filter.wantsSchema(SCHEMA) ? reading(() => listTables(database)) : [];
  const wanted = all.filter((table) => input.filter.wantsTable(table.name));
  await say(`Found ${all.length} tables and views in schema ${SCHEMA}, ${all.length - wanted.length} filtered out`);
  const tables: TableMetadata[] = [];
  for (const [at, name] of wanted.entries()) {
    const table = reading(() => readTable(database, name));
    tables.push(table);
    const kind = table.tableType === "View" ? "view " : "table";
    await say(
      `[${at + 1}/${wanted.length}] ${kind} ${table.name}: ${table.columns.length} columns, ${table.rowCount} rows`,
    );
    await sleep(options.clock, options.pauseMs);
  }
  return tables;
}

function open(path: string): SqliteReader {
  return reading(() => openSqliteForReading(path));
}

function reading<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new CodedError(DEMO_ERRORS.SourceUnreadable, "Cannot read the database: SQLite refused", { cause });
  }
}
