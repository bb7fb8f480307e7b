import { type ChildProcess, spawn } from "node:child_process";
import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { Sensitive } from "../../../src/base/sensitive.ts";
import { openDatabase } from "../../../src/gateway/store/database.ts";
import { MIGRATIONS } from "../../../src/gateway/store/schema/migrations.ts";
import { openSqliteStore } from "../../../src/gateway/store/sqlite-store.ts";
import type { Store } from "../../../src/gateway/store/store.ts";
import { temporaryDirectory } from "../../fakes/temporary-directory.ts";
import { storeContract } from "../store.contract.ts";
import { pipeline, run } from "./records.ts";

const KEY = new Sensitive(new Uint8Array(32).fill(7));
const WRITER = fileURLToPath(new URL("./writer.ts", import.meta.url));

async function openIn(directory: string, key: Sensitive<Uint8Array> = KEY): Promise<Store> {
  const store = await openSqliteStore({ path: join(directory, "gateway.db"), key, clock: systemClock });
  onTestFinished(() => store.close());
  return store;
}

/** Starts a writer; `told` fills with what it said was committed. */
function startWriter(directory: string, runnerId: string): { child: ChildProcess; told: Told[] } {
  const told: Told[] = [];
  const child = spawn(process.execPath, ["--no-warnings", WRITER, join(directory, "gateway.db"), runnerId], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  createInterface({ input: child.stdout as NonNullable<typeof child.stdout> }).on("line", (line) => {
    // The last line may be cut by the kill; then nobody was told.
    if (line.endsWith("}")) told.push(JSON.parse(line) as Told);
  });
  return { child, told };
}

interface Told {
  readonly runId: string;
  readonly epoch: number;
}

async function untilTold(told: readonly Told[], count: number): Promise<void> {
  const end = performance.now() + 30_000;
  while (told.length < count) {
    if (performance.now() > end) throw new Error(`only ${told.length} of ${count} were told`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGKILL");
  await closed;
}

describe("SQLite store", () => {
  storeContract(async () => openIn(await temporaryDirectory()));

  it("has everything that was told committed after SIGKILL, again and again", async () => {
    const directory = await temporaryDirectory();
    let lastEpoch = 0;
    for (const round of [1, 2, 3]) {
      const { child, told } = startWriter(directory, "alpha");
      await untilTold(told, 20 * round);
      await kill(child);
      const store = await openIn(directory);
      for (const { runId, epoch } of told) {
        expect(epoch).toBeGreaterThan(lastEpoch);
        lastEpoch = epoch;
        expect(await store.findRun(runId)).toMatchObject({ state: "running", startedAt: 1005, logBytes: 5 });
        expect((await store.readLog(runId, 0, 100)).text).toBe("line\n");
      }
      expect((await store.findRunner("alpha"))?.epoch).toBeGreaterThanOrEqual(lastEpoch);
      await store.close();
    }
  });

  it("serves two processes that write at once", async () => {
    const directory = await temporaryDirectory();
    const store = await openIn(directory);
    const writers = [startWriter(directory, "beta"), startWriter(directory, "gamma")];
    const own: string[] = [];
    while (writers.some(({ told }) => told.length < 15)) {
      const one = run();
      await store.addRun(one);
      own.push(one.runId);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    for (const { child } of writers) await kill(child);
    for (const { told } of writers) {
      for (const { runId } of told) expect(await store.findRun(runId)).toMatchObject({ state: "running" });
    }
    for (const runId of own) expect(await store.findRun(runId)).toMatchObject({ state: "queued" });
  });

  it("may be made by several openings at once", async () => {
    const directory = await temporaryDirectory();
    const stores = await Promise.all([1, 2, 3, 4].map(() => openIn(directory)));
    const claims = await Promise.all(stores.map((one) => one.claimSession({ runnerId: "a", installationId: "i" }, 1)));
    expect(claims.map((claim) => ("epoch" in claim ? claim.epoch : 0)).sort()).toEqual([1, 2, 3, 4]);
  });

  it("is readable by its owner only, its journal too, whatever the umask was", async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, "gateway.db"), "");
    await chmod(join(directory, "gateway.db"), 0o644);
    const store = await openIn(directory);
    await store.addRun(run());
    for (const name of await readdir(directory)) {
      expect([name, (await stat(join(directory, name))).mode & 0o777]).toEqual([name, 0o600]);
    }
  });

  it("has no byte of a bot token in its files, in any encoding that keeps it readable", async () => {
    const directory = await temporaryDirectory();
    const store = await openIn(directory);
    const token = "eyJhbGciOiJSUzI1NiJ9.bot-token-that-must-not-be-found";
    const one = pipeline();
    await store.addPipeline(one, new Sensitive(token));
    expect((await store.botToken(one.pipelineId))?.reveal()).toBe(token);
    const forms = [token, Buffer.from(token).toString("base64"), Buffer.from(token).toString("hex")];
    const scan = async (): Promise<number> => {
      let files = 0;
      for (const name of await readdir(directory)) {
        const content = await readFile(join(directory, name));
        for (const form of [...forms, token.slice(0, 24), token.slice(-24)]) {
          expect([name, content.includes(form)]).toEqual([name, false]);
        }
        files++;
      }
      return files;
    };
    // While it is open the write-ahead log holds the row; afterwards the database does.
    expect(await scan()).toBeGreaterThan(1);
    await store.close();
    expect(await scan()).toBe(1);
    expect(await readFile(join(directory, "gateway.db"))).toSatisfy((file: Buffer) => file.includes(one.pipelineId));
  });

  it("refuses another key with WrongStoreKey and stays good for the right one", async () => {
    const directory = await temporaryDirectory();
    const store = await openIn(directory);
    const one = pipeline();
    await store.addPipeline(one, new Sensitive("token"));
    await store.close();
    const wrong = new Sensitive(new Uint8Array(32).fill(8));
    await expect(openIn(directory, wrong)).rejects.toMatchObject({ code: "WrongStoreKey" });
    await expect(openIn(directory, new Sensitive(new Uint8Array(16)))).rejects.toMatchObject({ code: "WrongStoreKey" });
    const again = await openIn(directory);
    expect((await again.botToken(one.pipelineId))?.reveal()).toBe("token");
  });

  it("doesn't open a sealed token that was moved to another pipeline's row", async () => {
    const directory = await temporaryDirectory();
    const store = await openIn(directory);
    const [from, to] = [pipeline(), pipeline()];
    await store.addPipeline(from, new Sensitive("token"));
    await store.addPipeline(to, undefined);
    const db = await openDatabase(join(directory, "gateway.db"), KEY, systemClock);
    onTestFinished(() => db.destroy());
    const { bot_token } = await db
      .selectFrom("pipeline")
      .select("bot_token")
      .where("pipeline_id", "=", from.pipelineId)
      .executeTakeFirstOrThrow();
    await db.updateTable("pipeline").set({ bot_token }).where("pipeline_id", "=", to.pipelineId).execute();
    await expect(store.botToken(to.pipelineId)).rejects.toMatchObject({ code: "WrongStoreKey" });
  });

  it("is brought forward by a later migration with all it holds, and is too new for the older program then", async () => {
    const directory = await temporaryDirectory();
    const path = join(directory, "gateway.db");
    const store = await openIn(directory);
    const one = run();
    await store.addRun(one);
    await store.close();
    const later: Migration = {
      up: async (db: Kysely<unknown>) => void (await sql`alter table run add column note text`.execute(db)),
    };
    const db = await openDatabase(path, KEY, systemClock, { ...MIGRATIONS, "0999-later": later });
    const row = await sql<{ run_id: string; note: null }>`select run_id, note from run`.execute(db);
    expect(row.rows).toEqual([{ run_id: one.runId, note: null }]);
    await db.destroy();
    await expect(openIn(directory)).rejects.toMatchObject({ code: "StoreTooNew" });
  });

  it("brings a database of the first version forward with the runs it holds", async () => {
    const directory = await temporaryDirectory();
    const path = join(directory, "gateway.db");
    const [first] = Object.entries(MIGRATIONS);
    const db = await openDatabase(path, KEY, systemClock, Object.fromEntries([first ?? expect.fail()]));
    const [runId, pipelineId] = [crypto.randomUUID(), crypto.randomUUID()];
    await sql`insert into run (run_id, pipeline_id, runner_id, attempt, state, dispatch, stop_requested, created_at, start_deadline, log_bytes)
      values (${runId}, ${pipelineId}, 'alpha', 1, 'queued', 'waiting', 0, 1000, 60000, 0)`.execute(db);
    await db.destroy();
    const store = await openIn(directory);
    expect(await store.findRun(runId)).toEqual(run({ runId, pipelineId }));
  });

  it("leaves nothing of a migration that failed half-way", async () => {
    const directory = await temporaryDirectory();
    const path = join(directory, "gateway.db");
    await (await openIn(directory)).close();
    const broken: Migration = {
      up: async (db: Kysely<unknown>) => {
        await sql`alter table run add column half text`.execute(db);
        throw new Error("the machine is on fire");
      },
    };
    await expect(openDatabase(path, KEY, systemClock, { ...MIGRATIONS, "0999-broken": broken })).rejects.toThrow(
      "on fire",
    );
    const db = await openDatabase(path, KEY, systemClock);
    onTestFinished(() => db.destroy());
    const { rows } = await sql<{ name: string }>`select name from pragma_table_info('run')`.execute(db);
    expect(rows.map((row) => row.name)).not.toContain("half");
  });

  it("names the path when the file is no database or its folder is missing", async () => {
    const directory = await temporaryDirectory();
    const path = join(directory, "gateway.db");
    await writeFile(path, "this is not a database, though it is long enough to be looked at as one".repeat(20));
    await expect(openIn(directory)).rejects.toMatchObject({
      code: "StoreUnavailable",
      message: expect.stringContaining(path),
    });
    await expect(openIn(join(directory, "missing"))).rejects.toMatchObject({ code: "StoreUnavailable" });
  });
});
