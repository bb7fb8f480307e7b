import { join } from "node:path";
import { type Kysely, sql } from "kysely";
import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { Sensitive } from "../../../src/base/sensitive.ts";
import { openDatabase, storeFailure } from "../../../src/gateway/store/database.ts";
import { randomBytes, SEAL_KEY_BYTES } from "../../../src/runtime/crypto.ts";
import { temporaryDirectory } from "../../fakes/temporary-directory.ts";

test("a database without room says so, and not that there is no transaction to take back", async () => {
  const path = join(await temporaryDirectory(), "gateway.db");
  const key = new Sensitive(randomBytes(SEAL_KEY_BYTES));
  // The engine answers a full disk and a full database alike.
  const migrations = {
    first: {
      up: async (db: Kysely<unknown>) => {
        await sql`pragma max_page_count = 8`.execute(db);
        await sql`create table filled (text text)`.execute(db);
        await sql`insert into filled values (${"x".repeat(1_000_000)})`.execute(db);
      },
    },
  };
  const error = await openDatabase(path, key, systemClock, migrations).catch((cause: unknown) =>
    storeFailure(`open database ${path}`, cause),
  );
  expect(error).toMatchObject({
    code: "StoreUnavailable",
    message: expect.stringContaining("database or disk is full"),
    advice: expect.stringContaining("Free space"),
  });
});
