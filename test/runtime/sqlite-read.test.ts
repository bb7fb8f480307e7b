import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createSqliteFile } from "../../src/runtime/sqlite-create.ts";
import { openSqliteForReading } from "../../src/runtime/sqlite-read.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

test("created database can be read with parameters, and not written", async () => {
  const path = join(await temporaryDirectory(), "x.db");
  const rows = [
    [1, "it's"],
    [2, null],
  ];
  createSqliteFile(
    path,
    ["CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)"],
    [{ insert: "INSERT INTO t VALUES (?, ?)", rows }],
  );
  const database = openSqliteForReading(path);
  expect(database.all("SELECT b FROM t WHERE a = ?", 1)).toMatchObject([{ b: "it's" }]);
  expect(() => database.all("DELETE FROM t")).toThrow(/readonly/);
  expect(database.all("SELECT COUNT(*) AS n FROM t")).toMatchObject([{ n: 2 }]);
  database.close();
});

test("creating stops at a broken foreign key and leaves no rows", async () => {
  const path = join(await temporaryDirectory(), "x.db");
  const tables = ["CREATE TABLE p (a INTEGER PRIMARY KEY)", "CREATE TABLE c (a INTEGER REFERENCES p (a))"];
  expect(() => createSqliteFile(path, tables, [{ insert: "INSERT INTO c VALUES (?)", rows: [[7]] }])).toThrow(
    /FOREIGN KEY/,
  );
  expect((await stat(path)).size).toBe(0);
});

test("reading creates no file and refuses what is no database", async () => {
  const directory = await temporaryDirectory();
  expect(() => openSqliteForReading(join(directory, "none.db"))).toThrow();
  await writeFile(join(directory, "text"), "no database at all, but long enough to be looked at ".repeat(30));
  const database = openSqliteForReading(join(directory, "text"));
  expect(() => database.all("SELECT * FROM sqlite_schema")).toThrow(/not a database/);
  database.close();
  expect(await readdir(directory)).toEqual(["text"]);
});
