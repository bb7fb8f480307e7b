import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { DatabaseMetadata } from "../../src/demo/metadata.ts";
import { expectedShopMetadata } from "../../src/demo/shop/expected-metadata.ts";
import { makeShop, workflowConfig } from "./shop.ts";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the connector as a program of its own with exactly this environment. */
function startConnector(environment: Record<string, string>): Promise<Ended> {
  const args = [join(import.meta.dirname, "../../src/main.ts"), "demo-connector"];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env: environment }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

async function ingestWith(sourceConfig: object, connection?: unknown): Promise<Ended & { metadata: DatabaseMetadata }> {
  const shop = await makeShop();
  const file = join(shop.directory, "new folder", "metadata.json");
  const ended = await startConnector({
    pipelineType: "metadata",
    pipelineRunId: "run-1",
    config: workflowConfig(connection ?? shop.connection, file, sourceConfig).replace("SHOP", shop.connection),
  });
  return { ...ended, metadata: JSON.parse(await readFile(file, "utf8")) };
}

describe("connector", () => {
  test("finds exactly the metadata that the definitions say", async () => {
    const { code, metadata, stderr } = await ingestWith({});
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(metadata).toEqual(expectedShopMetadata());
    expect(metadata.tables.find((table) => table.name === "order_items")).toMatchObject({
      primaryKey: ["order_id", "line_number"],
      uniqueKeys: [["order_id", "product_id"]],
      foreignKeys: [{ referencedTable: "orders" }, { referencedTable: "products", onDelete: "RESTRICT" }],
    });
  });

  test("leaves the database as it was", async () => {
    const shop = await makeShop();
    const digest = async (): Promise<string> =>
      createHash("sha256")
        .update(await readFile(shop.database))
        .digest("hex");
    const before = await digest();
    const file = join(shop.directory, "metadata.json");
    const config = workflowConfig(shop.connection, file);
    expect((await startConnector({ pipelineType: "metadata", pipelineRunId: "r", config })).code).toBe(0);
    expect(await digest()).toBe(before);
    expect((await readdir(shop.directory)).sort()).toEqual(["metadata.json", "shop 100%.db"]);
  });

  test("takes the connection string out of an object of connection fields", async () => {
    const { code, metadata } = await ingestWith({}, { type: "SQLite", config: "SHOP" });
    expect(code).toBe(0);
    expect(metadata.tables).toHaveLength(8);
  });

  test("prints its connection string and a line for each table", async () => {
    const { stdout } = await ingestWith({});
    expect(stdout).toMatch(/Connecting to sqlite:\/\/\/.*shop%20100%25\.db$/m);
    expect(stdout.match(/\[\d\/8\] (table|view )/g)).toHaveLength(8);
  });

  test.each([
    [{ tableFilterPattern: { includes: ["order"] } }, ["order_items", "orders"]],
    [{ tableFilterPattern: { includes: ["ORDER"], excludes: ["orders$"] } }, ["order_items"]],
    [{ tableFilterPattern: { includes: ["rders"] } }, []],
    [{ schemaFilterPattern: { excludes: ["main"] } }, []],
    [
      { schemaFilterPattern: { includes: ["main"] }, tableFilterPattern: { includes: ["c"] } },
      ["categories", "customers"],
    ],
  ])("filter %j keeps %j", async (sourceConfig, names) => {
    const { code, metadata } = await ingestWith(sourceConfig);
    expect(code).toBe(0);
    expect(metadata.tables.map((table) => table.name)).toEqual(names);
  });
});

describe("connector refuses", () => {
  const whole = {
    pipelineType: "metadata",
    pipelineRunId: "r",
    config: workflowConfig("sqlite:///nowhere/shop.db", "/dev/null/m"),
  };

  test.each([
    ["config", "the environment variable config is missing"],
    ["pipelineType", "the environment variable pipelineType is missing"],
    ["pipelineRunId", "the environment variable pipelineRunId is missing"],
  ])("a missing variable %s", async (name, message) => {
    const { [name]: _left, ...rest } = whole as Record<string, string>;
    const { code, stderr, stdout } = await startConnector(rest);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stdout).toBe("");
  });

  test.each([
    ["an unknown pipelineType", { pipelineType: "profiler" }, 'no workflow for pipelineType "profiler"'],
    ["a config that is not JSON", { config: "{sqlite:///secret" }, "config is not a JSON object"],
    [
      "an unresolved reference",
      { config: workflowConfig("secret:/demo/shop/connection", "/tmp/m") },
      "no sqlite:// connection string",
    ],
    [
      "a bad filter",
      { config: workflowConfig("sqlite:///x.db", "/tmp/m", { tableFilterPattern: { includes: ["("] } }) },
      "tableFilterPattern.includes",
    ],
    ["a database that isn't there", {}, "SourceUnreadable: Cannot read the database"],
  ])("%s", async (_name, changes, message) => {
    const { code, stderr } = await startConnector({ ...whole, ...changes });
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).toContain("next: ");
  });

  test("a file that is no database, without writing metadata", async () => {
    const shop = await makeShop();
    await writeFile(shop.database, "this is not a database, however long the text may be ".repeat(40));
    const file = join(shop.directory, "metadata.json");
    const { code, stderr } = await startConnector({ ...whole, config: workflowConfig(shop.connection, file) });
    expect(code).toBe(1);
    expect(stderr).toContain("file is not a database");
    expect(await readdir(shop.directory)).toEqual(["shop 100%.db"]);
  });

  test("to call a run done whose metadata can't be written", async () => {
    const shop = await makeShop();
    const config = workflowConfig(shop.connection, join(shop.database, "metadata.json"));
    const { code, stdout } = await startConnector({ ...whole, config });
    expect(code).toBe(1);
    expect(stdout).not.toContain("Done");
  });
});
