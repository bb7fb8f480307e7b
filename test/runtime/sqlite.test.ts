import { stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openSqlite, type SqliteDatabase } from "../../src/runtime/sqlite.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

async function openNew(busyTimeoutMs = 50): Promise<{ db: SqliteDatabase; path: string }> {
  const path = join(await temporaryDirectory(), "test.db");
  const db = openSqlite(path, { busyTimeoutMs });
  onTestFinished(() => db.close());
  return { db, path };
}

describe("openSqlite", () => {
  it("syncs every commit, logs ahead and enforces foreign keys", async () => {
    const { db } = await openNew();
    expect(db.prepare("pragma journal_mode").all([])).toEqual([{ journal_mode: "wal" }]);
    expect(db.prepare("pragma synchronous").all([])).toEqual([{ synchronous: 2 }]);
    expect(db.prepare("pragma foreign_keys").all([])).toEqual([{ foreign_keys: 1 }]);
    expect(db.prepare("pragma busy_timeout").all([])).toEqual([{ timeout: 50 }]);
  });

  it("makes the file for its owner only unless told otherwise", async () => {
    const { path } = await openNew();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    openSqlite(path, { busyTimeoutMs: 50, mode: 0o640 }).close();
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });

  it("tells statements that answer with rows from those that don't", async () => {
    const { db } = await openNew();
    db.execute("create table t (id integer primary key, data blob)");
    const insert = db.prepare("insert into t (data) values (?)");
    expect(insert.reader).toBe(false);
    expect(insert.run([new Uint8Array([0, 255])])).toMatchObject({ changes: 1, lastInsertRowid: 1 });
    const returning = db.prepare("insert into t (data) values (?) returning id");
    expect(returning.reader).toBe(true);
    expect(returning.all([null])).toEqual([{ id: 2 }]);
    const select = db.prepare("select data from t where id = ?");
    expect(select.all([1])).toEqual([{ data: new Uint8Array([0, 255]) }]);
    expect([...select.iterate([2])]).toEqual([{ data: null }]);
  });

  it("sees tables as they are when a statement is repeated after another connection has changed them", async () => {
    const { db, path } = await openNew();
    db.execute("create table t (id integer primary key)");
    db.execute("insert into t values (1)");
    const all = (): unknown[] => db.prepare("select * from t").all([]);
    expect(all()).toEqual([{ id: 1 }]);
    const other = openSqlite(path, { busyTimeoutMs: 50 });
    other.execute("alter table t add column name text not null default 'new'");
    other.close();
    expect(all()).toEqual([{ id: 1, name: "new" }]);
  });

  it("lets two readers go through the rows of the same statement", async () => {
    const { db } = await openNew();
    db.execute("create table t (id integer primary key)");
    db.execute("insert into t values (1), (2), (3)");
    const [one, two] = [0, 1].map(() => db.prepare("select id from t order by id").iterate([]));
    one?.next();
    expect([...(two ?? [])]).toHaveLength(3);
    expect([...(one ?? [])]).toEqual([{ id: 2 }, { id: 3 }]);
  });

  it("waits for another connection's lock only so long", async () => {
    const { db, path } = await openNew();
    const other = openSqlite(path, { busyTimeoutMs: 50 });
    onTestFinished(() => other.close());
    db.execute("begin immediate");
    expect(() => other.execute("begin immediate")).toThrow("locked");
    db.execute("commit");
    other.execute("begin immediate");
    other.execute("rollback");
  });
});
