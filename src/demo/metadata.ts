/** One column of a table or view. */
export interface ColumnMetadata {
  readonly name: string;
  /** As declared, in upper case; `UNKNOWN` for a column of a view that is computed. */
  readonly dataType: string;
  readonly nullable: boolean;
  /** The default as SQL text. */
  readonly defaultValue?: string;
}

/** A reference from columns of one table to columns of another. */
export interface ForeignKeyMetadata {
  readonly columns: readonly string[];
  readonly referencedTable: string;
  readonly referencedColumns: readonly string[];
  readonly onDelete: string;
}

/** An index that was made in so many words, not one that stands behind a key. */
export interface IndexMetadata {
  readonly name: string;
  readonly columns: readonly string[];
  readonly unique: boolean;
}

/** What is known of one table or view. */
export interface TableMetadata {
  readonly name: string;
  readonly tableType: "Regular" | "View";
  readonly columns: readonly ColumnMetadata[];
  readonly primaryKey: readonly string[];
  readonly uniqueKeys: readonly (readonly string[])[];
  readonly foreignKeys: readonly ForeignKeyMetadata[];
  readonly indexes: readonly IndexMetadata[];
  readonly rowCount: number;
}

/** What the sample ingestion writes: tables and views by name, and nothing that would tell where the database is. */
export interface DatabaseMetadata {
  readonly serviceType: "SQLite";
  readonly schema: string;
  readonly tables: readonly TableMetadata[];
}
