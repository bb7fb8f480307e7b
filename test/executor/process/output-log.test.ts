import { createHash } from "node:crypto";
import { appendFile, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { endReport, lastLines, type RunEnding } from "../../../src/executor/process/end-report.ts";
import { readLogPiece } from "../../../src/executor/process/log-reader.ts";
import { closeLog, OutputLog } from "../../../src/executor/process/output-log.ts";
import { CATALOGUE } from "../../../src/protocol/catalogue.ts";
import { temporaryDirectory } from "../../fakes/temporary-directory.ts";
import { BreakingDisk, whyNoBreakingDisk } from "../../road/breaking-disk.ts";

const text = fc.string({ unit: "binary", maxLength: 60 }).map((value) => value.toWellFormed());

function digest(whole: string | Uint8Array): { bytes: number; sha256: string } {
  return { bytes: Buffer.byteLength(whole), sha256: createHash("sha256").update(whole).digest("hex") };
}

test("output log keeps the order of appends that weren't awaited, and knows length and hash", async () => {
  const path = join(await temporaryDirectory(), "output.log");
  const output = await OutputLog.open(path);
  const pieces = Array.from({ length: 200 }, (_, index) => `${index} ä𝄞\n`);
  for (const piece of pieces) void output.append(piece);
  expect(await output.end()).toEqual({ log: digest(pieces.join("")) });
  expect(await readFile(path, "utf8")).toBe(pieces.join(""));
});

test("output log on a full disk goes on, and tells how much is missing and why", async () => {
  const path = join(await temporaryDirectory(), "output.log");
  await symlink("/dev/full", path);
  const output = await OutputLog.open(path);
  await output.append("äbc\n");
  await output.append("more\n");
  const { log, lost } = await output.end();
  expect(log).toEqual(digest(""));
  expect(lost).toMatchObject({ bytes: 10, reason: expect.stringContaining("ENOSPC") });
});

const noDisk = await whyNoBreakingDisk();
if (noDisk !== undefined) process.stderr.write(`an output log on a disk that breaks is not tested: ${noDisk}\n`);

test.skipIf(noDisk !== undefined)(
  "output log on a disk that fills and then breaks ends, and tells what is missing",
  async () => {
    const disk = await BreakingDisk.mount(join(await temporaryDirectory(), "disk"));
    const output = await OutputLog.open(join(disk.path, "output.log"));
    // Room ends with a block, inside one of these characters of four bytes, whose rest can then neither be written nor cut off.
    await output.append(`a${"𝄞".repeat(6_000_000)}`);
    await disk.breakDown();
    await output.append("more\n");
    const { log, lost } = await output.end();
    expect(log.bytes).toBeGreaterThan(1_000_000);
    expect(lost?.bytes).toBeGreaterThan(5_000_000);
  },
);

test("a log whose writer was killed inside a character is cut back to whole ones", async () => {
  const path = join(await temporaryDirectory(), "output.log");
  for (const cut of [1, 2, 3]) {
    await writeFile(path, "whole\n");
    await appendFile(path, Buffer.from("𝄞").subarray(0, cut));
    expect(await closeLog(path)).toEqual(digest("whole\n"));
    expect(await readFile(path, "utf8")).toBe("whole\n");
  }
  expect(await closeLog(`${path}.missing`)).toEqual(digest(""));
});

test("log pieces of any size put together are the log", async () => {
  const directory = await temporaryDirectory();
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 20 }), async (whole, limit) => {
      await writeFile(join(directory, "output.log"), whole);
      const bytes = Buffer.byteLength(whole);
      let [read, offset, ended] = ["", 0, bytes === 0];
      while (!ended) {
        const piece = await readLogPiece(directory, offset, limit, bytes);
        expect(Buffer.byteLength(piece.text)).toBe(piece.nextOffset - offset);
        expect(piece.nextOffset).toBeGreaterThan(offset);
        expect(piece.nextOffset - offset).toBeLessThanOrEqual(Math.max(limit, 4));
        read += piece.text;
        offset = piece.nextOffset;
        ended = piece.ended;
      }
      expect(read).toBe(whole);
    }),
    { numRuns: 60 },
  );
});

test("an offset inside a character is answered from that character's beginning", async () => {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, "output.log"), "€uro");
  expect(await readLogPiece(directory, 1, 100, 6)).toEqual({ offset: 0, text: "€uro", nextOffset: 6, ended: true });
});

test("an end report fits the protocol however long its texts are", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 300 }), (piece) => {
      const long = piece.repeat(40);
      const failure = { category: "ExitCode", summary: long, detail: long, advice: long } as const;
      const ending: RunEnding = { state: "failed", proof: long, endedAt: 1, exitCode: 1, failure };
      const key = { runId: crypto.randomUUID(), pipelineId: crypto.randomUUID(), attempt: 1 };
      const report = endReport(key, ending, digest(""), lastLines(long.replaceAll("a", "\n")));
      expect(CATALOGUE["run.update"].body.safeParse(JSON.parse(JSON.stringify(report))).success).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test("the last lines are fifty, without an empty one at the end", () => {
  const lines = Array.from({ length: 60 }, (_, index) => `line ${index}`);
  expect(lastLines(`${lines.join("\r\n")}\r\n`)).toEqual(lines.slice(10));
  expect(lastLines("")).toEqual([]);
});
