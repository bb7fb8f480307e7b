/** A column as it is declared. */
export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  /** May be NULL. */
  readonly nullable?: true;
  /** SQL text after DEFAULT. */
  readonly fallback?: string;
  /** The column alone is UNIQUE. */
  readonly unique?: true;
}

/** A reference to a column of another table. */
export interface ReferenceDefinition {
  readonly column: string;
  readonly table: string;
  readonly target: string;
  readonly onDelete: "CASCADE" | "RESTRICT" | "NO ACTION";
}

/** A table as it is declared. */
export interface TableDefinition {
  readonly name: string;
  readonly columns: readonly ColumnDefinition[];
  readonly primaryKey: readonly string[];
  readonly references: readonly ReferenceDefinition[];
  /** UNIQUE over several columns. */
  readonly uniqueTogether?: readonly string[];
  readonly index?: { readonly name: string; readonly columns: readonly string[] };
}

/** A view: its query, and what its columns come to. A computed column has no type. */
export interface ViewDefinition {
  readonly name: string;
  readonly query: string;
  readonly columns: readonly { readonly name: string; readonly type?: string }[];
}

/** The tables of the shop; a table stands behind those it refers to. */
export const SHOP_TABLES: readonly TableDefinition[] = [
  {
    name: "categories",
    columns: [
      { name: "category_id", type: "INTEGER" },
      { name: "name", type: "VARCHAR(40)", unique: true },
    ],
    primaryKey: ["category_id"],
    references: [],
  },
  {
    name: "customers",
    columns: [
      { name: "customer_id", type: "INTEGER" },
      { name: "email", type: "VARCHAR(120)", unique: true },
      { name: "full_name", type: "VARCHAR(80)" },
      { name: "phone", type: "VARCHAR(24)", nullable: true },
      { name: "country", type: "CHAR(2)", fallback: "'DE'" },
      { name: "created_at", type: "TIMESTAMP", fallback: "CURRENT_TIMESTAMP" },
    ],
    primaryKey: ["customer_id"],
    references: [],
    index: { name: "customers_by_country", columns: ["country", "full_name"] },
  },
  {
    name: "products",
    columns: [
      { name: "product_id", type: "INTEGER" },
      { name: "category_id", type: "INTEGER" },
      { name: "sku", type: "VARCHAR(20)", unique: true },
      { name: "title", type: "TEXT" },
      { name: "price", type: "DECIMAL(10,2)" },
      { name: "stock", type: "INTEGER", fallback: "0" },
      { name: "picture", type: "BLOB", nullable: true },
    ],
    primaryKey: ["product_id"],
    references: [{ column: "category_id", table: "categories", target: "category_id", onDelete: "RESTRICT" }],
  },
  {
    name: "orders",
    columns: [
      { name: "order_id", type: "INTEGER" },
      { name: "customer_id", type: "INTEGER" },
      { name: "status", type: "VARCHAR(12)", fallback: "'open'" },
      { name: "ordered_at", type: "TIMESTAMP" },
      { name: "note", type: "TEXT", nullable: true },
    ],
    primaryKey: ["order_id"],
    references: [{ column: "customer_id", table: "customers", target: "customer_id", onDelete: "CASCADE" }],
    index: { name: "orders_by_customer", columns: ["customer_id", "ordered_at"] },
  },
  {
    name: "order_items",
    columns: [
      { name: "order_id", type: "INTEGER" },
      { name: "line_number", type: "INTEGER" },
      { name: "product_id", type: "INTEGER" },
      { name: "quantity", type: "INTEGER", fallback: "1" },
      { name: "unit_price", type: "DECIMAL(10,2)" },
    ],
    primaryKey: ["order_id", "line_number"],
    references: [
      { column: "order_id", table: "orders", target: "order_id", onDelete: "CASCADE" },
      { column: "product_id", table: "products", target: "product_id", onDelete: "RESTRICT" },
    ],
    uniqueTogether: ["order_id", "product_id"],
  },
  {
    name: "payments",
    columns: [
      { name: "payment_id", type: "INTEGER" },
      { name: "order_id", type: "INTEGER" },
      { name: "method", type: "VARCHAR(16)" },
      { name: "amount", type: "DECIMAL(10,2)" },
      { name: "paid_at", type: "TIMESTAMP", nullable: true },
    ],
    primaryKey: ["payment_id"],
    references: [{ column: "order_id", table: "orders", target: "order_id", onDelete: "CASCADE" }],
  },
];

/** The views of the shop. */
export const SHOP_VIEWS: readonly ViewDefinition[] = [
  {
    name: "open_orders",
    query:
      "SELECT o.order_id, c.full_name, o.ordered_at FROM orders o JOIN customers c ON c.customer_id = o.customer_id WHERE o.status = 'open'",
    columns: [
      { name: "order_id", type: "INTEGER" },
      { name: "full_name", type: "VARCHAR(80)" },
      { name: "ordered_at", type: "TIMESTAMP" },
    ],
  },
  {
    name: "sales_by_category",
    query:
      "SELECT k.name AS category, COUNT(*) AS items, SUM(i.quantity * i.unit_price) AS revenue FROM order_items i " +
      "JOIN products p ON p.product_id = i.product_id JOIN categories k ON k.category_id = p.category_id GROUP BY k.category_id",
    columns: [{ name: "category", type: "VARCHAR(40)" }, { name: "items" }, { name: "revenue" }],
  },
];
