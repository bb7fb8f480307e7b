import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { Sensitive } from "../../../src/base/sensitive.ts";
import { openDatabase } from "../../../src/gateway/store/database.ts";
import { createGroupCommit, type Write } from "../../../src/gateway/store/group-commit.ts";
import { temporaryDirectory } from "../../fakes/temporary-directory.ts";

const KEY = new Sensitive(new Uint8Array(32).fill(7));

async function twoConnections() {
  const path = join(await temporaryDirectory(), "gateway.db");
  const [db, other] = [await openDatabase(path, KEY, systemClock), await openDatabase(path, KEY, systemClock)];
  const group = createGroupCommit(db);
  onTestFinished(async () => {
    await group.idle();
    await Promise.all([db.destroy(), other.destroy()]);
  });
  const names = async (): Promise<readonly string[]> =>
    (await other.selectFrom("meta").select("name").where("name", "!=", "canary").execute()).map((row) => row.name);
  return { group, names };
}

function note(write: Write, name: string): Promise<string> {
  return write(async (transaction) => {
    await transaction.insertInto("meta").values({ name, value: new Uint8Array() }).execute();
    return name;
  });
}

describe("group commit", () => {
  it("lets writes of one moment share a transaction, and tells none before all are durable", async () => {
    const { group, names } = await twoConnections();
    const told: string[] = [];
    const first = note(group.write, "a").then((name) => told.push(name));
    let seenOutside: readonly string[] | undefined;
    let toldBefore: number | undefined;
    const last = group.write(async (transaction) => {
      const inside = await transaction.selectFrom("meta").select("name").where("name", "=", "a").execute();
      expect(inside).toHaveLength(1);
      [seenOutside, toldBefore] = [await names(), told.length];
    });
    await Promise.all([first, last]);
    expect([seenOutside, toldBefore]).toEqual([[], 0]);
    expect(await names()).toEqual(["a"]);
  });

  it("undoes the one that fails and no other", async () => {
    const { group, names } = await twoConnections();
    const outcomes = await Promise.allSettled([
      note(group.write, "a"),
      note(group.write, "b"),
      note(group.write, "a"),
      group.write(async (transaction) => {
        await transaction.insertInto("meta").values({ name: "undone", value: new Uint8Array() }).execute();
        throw new Error("thought better of it");
      }),
      note(group.write, "c"),
    ]);
    expect(outcomes.map((one) => one.status)).toEqual(["fulfilled", "fulfilled", "rejected", "rejected", "fulfilled"]);
    expect([...(await names())].sort()).toEqual(["a", "b", "c"]);
  });

  it("goes on after a failure, and takes far more than one commit holds", async () => {
    const { group, names } = await twoConnections();
    await expect(group.write(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    const many = Array.from({ length: 500 }, (_, index) => `n${index}`);
    expect(await Promise.all(many.map((name) => note(group.write, name)))).toEqual(many);
    expect(new Set(await names())).toEqual(new Set(many));
  });
});
