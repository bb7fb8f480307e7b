import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { readLogPiece } from "../../../src/executor/process/log-reader.ts";
import { outputPath } from "../../../src/executor/process/run-directory.ts";
import { temporaryDirectory } from "../../fakes/temporary-directory.ts";

const TEXT = "a€𝄞ü\u{feff}z🔑";
const BYTES = Buffer.from(TEXT);

test("readLogPiece from any offset and with any limit gives whole characters and misses none", async () => {
  const directory = await temporaryDirectory();
  await writeFile(outputPath(directory), TEXT);
  for (let offset = 0; offset <= BYTES.length; offset++) {
    for (let limit = 1; limit <= BYTES.length + 2; limit++) {
      const piece = await readLogPiece(directory, offset, limit, BYTES.length);
      expect(piece.offset).toBeLessThanOrEqual(offset);
      expect(piece.offset).toBeGreaterThan(offset - 4);
      expect(BYTES.subarray(piece.offset, piece.nextOffset).toString()).toBe(piece.text);
      expect(piece.text).not.toContain("\u{fffd}");
      if (offset < BYTES.length) expect(piece.nextOffset).toBeGreaterThan(offset);
      expect(piece.ended).toBe(piece.nextOffset >= BYTES.length);
    }
  }
});

test("readLogPiece waits for the rest of a character that is half written", async () => {
  const directory = await temporaryDirectory();
  for (let written = 0; written <= BYTES.length; written++) {
    await writeFile(outputPath(directory), BYTES.subarray(0, written));
    const { text, nextOffset } = await readLogPiece(directory, 0, 1000, undefined);
    expect(TEXT.startsWith(text)).toBe(true);
    expect(await readLogPiece(directory, nextOffset, 1000, undefined)).toEqual({
      offset: nextOffset,
      text: "",
      nextOffset,
      ended: false,
    });
  }
});
