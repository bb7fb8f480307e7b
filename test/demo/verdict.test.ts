import { describe, expect, test } from "vitest";
import { expectedShopMetadata } from "../../src/demo/shop/expected-metadata.ts";
import { type Evidence, judge, MASK } from "../../src/demo/verdict.ts";

const TOKEN = "0f8e7d6c5b4a39281706f5e4d3c2b1a0";
const VALUE = `sqlite:///tmp/source-${TOKEN}/shop.db`;
const LOG = `12:00:00 INFO  Connecting to ${MASK}\n12:00:01 INFO  Done\n`;
const EXPECTED = expectedShopMetadata();
const [FIRST, ...OTHERS] = EXPECTED.tables;
if (FIRST === undefined) throw new Error("the shop has no tables");

const GOOD: Evidence = {
  run: { runId: "r", state: "success", exitCode: 0 },
  log: { text: LOG, complete: true, verified: true },
  runnerLog: LOG,
  metadata: structuredClone(EXPECTED),
  expected: EXPECTED,
  secret: { value: VALUE, token: TOKEN },
  storedConnection: { config: "secret:/demo/shop/connection" },
  reference: "secret:/demo/shop/connection",
  scan: { files: 3, bytes: 999, needles: 40, places: [{ name: "frames", files: 3, bytes: 999 }], hits: [] },
};

const failed = (changes: Partial<Evidence>): string[] => {
  return judge({ ...GOOD, ...changes })
    .filter((check) => !check.ok)
    .map((check) => check.name);
};

test("verdict holds when everything is as it should be", () => {
  expect(failed({})).toEqual([]);
  expect(judge(GOOD)).toHaveLength(6);
});

describe("verdict fails for", () => {
  const RUN = "run is success";
  const WHOLE = "log came back whole";
  const METADATA = "metadata is right";
  const MASKED = "printed connection arrived masked";
  const REFERENCE = "gateway holds the reference only";
  const NOWHERE = "secret's value is nowhere";
  const withLog = (text: string): Partial<Evidence> => ({ log: { ...GOOD.log, text }, runnerLog: text });
  const hit = { place: "frames", file: "/f", offset: 7, needle: "connection string, raw" };

  test.each<[string, Partial<Evidence>, string[]]>([
    ["a failed run", { run: { runId: "r", state: "failed", exitCode: 1 } }, [RUN]],
    ["a stopped run", { run: { runId: "r", state: "stopped" } }, [RUN]],
    ["a partial success", { run: { runId: "r", state: "partialSuccess" } }, [RUN]],
    ["an incomplete log", { log: { ...GOOD.log, complete: false } }, [WHOLE]],
    ["an unverified log", { log: { ...GOOD.log, verified: false } }, [WHOLE]],
    ["a log that lacks its last character", { log: { ...GOOD.log, text: LOG.slice(0, -1) } }, [WHOLE]],
    ["a log that is nowhere on the runner's side", { runnerLog: undefined }, [WHOLE]],
    ["an empty log", withLog(""), [WHOLE, MASKED]],
    ["no metadata", { metadata: undefined }, [METADATA]],
    ["a missing table", { metadata: { ...EXPECTED, tables: OTHERS } }, [METADATA]],
    ["a wrong row count", { metadata: { ...EXPECTED, tables: [{ ...FIRST, rowCount: 1 }, ...OTHERS] } }, [METADATA]],
    ["a field too many", { metadata: { ...EXPECTED, path: "x" } }, [METADATA]],
    ["a log without the line that is masked", withLog("Done\n"), [MASKED]],
    ["a connection that was not masked", withLog(`Connecting to ${VALUE}\n`), [MASKED]],
    ["a connection masked in part", withLog(`Connecting to ${MASK}${TOKEN}\n`), [MASKED]],
    ["one masked line of two", withLog(`${LOG}Connecting to ${VALUE}\n`), [MASKED]],
    ["a line that was emptied instead of masked", withLog("Connecting to \n"), [MASKED]],
    ["a connection that the gateway holds resolved", { storedConnection: { config: VALUE } }, [REFERENCE]],
    ["a service without connection", { storedConnection: undefined }, [REFERENCE]],
    ["a value found", { scan: { ...GOOD.scan, hits: [hit] } }, [NOWHERE]],
    ["a scan of no place", { scan: { ...GOOD.scan, places: [], files: 0, bytes: 0 } }, [NOWHERE]],
    ["a place without files", { scan: { ...GOOD.scan, places: [{ name: "x", files: 0, bytes: 0 }] } }, [NOWHERE]],
    [
      "a place with empty files only",
      { scan: { ...GOOD.scan, places: [{ name: "x", files: 1, bytes: 0 }] } },
      [NOWHERE],
    ],
    ["a scan for nothing", { scan: { ...GOOD.scan, needles: 0 } }, [NOWHERE]],
  ])("%s", (_name, changes, names) => {
    expect(failed(changes)).toEqual(names);
  });

  test("several things at once, all told, none with the value", () => {
    const broken = {
      ...GOOD,
      ...withLog(`Connecting to ${VALUE}\n`),
      metadata: {},
      scan: { ...GOOD.scan, hits: [hit, hit] },
    };
    const checks = judge(broken).filter((check) => !check.ok);
    expect(checks.map((check) => check.name)).toEqual([METADATA, MASKED, NOWHERE]);
    expect(JSON.stringify(checks)).not.toContain(TOKEN);
    expect(checks[2]?.detail).toContain("and 1 more");
  });
});
