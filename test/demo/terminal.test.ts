import { expect, test } from "vitest";
import { drawMetadata } from "../../src/demo/metadata-table.ts";
import { createNarrator, wantsColours } from "../../src/demo/narrator.ts";
import { expectedShopMetadata } from "../../src/demo/shop/expected-metadata.ts";

async function narrated(colours: boolean): Promise<string> {
  let text = "";
  const write = async (piece: string): Promise<void> => {
    text += piece;
  };
  const narrator = createNarrator({ write, colours });
  await narrator.title("Begin");
  await narrator.done("made");
  await narrator.failed("broken");
  await narrator.news("\u001b[2Jlog\tline\r");
  return text;
}

test("narrator writes a line a step, and no control character of a log line", async () => {
  expect(await narrated(false)).toBe("\nBegin\n  ✓ made\n  ✗ broken\n  │ \uFFFD[2Jlog\tline\uFFFD\n");
});

test("narrator paints only when colours are wanted", async () => {
  expect(await narrated(true)).toContain("\u001b[32m✓\u001b[0m made");
  expect(wantsColours(true, {})).toBe(true);
  expect(wantsColours(false, {})).toBe(false);
  expect(wantsColours(true, { NO_COLOR: "1" })).toBe(false);
  expect(wantsColours(true, { NO_COLOR: "" })).toBe(true);
  expect(wantsColours(true, { TERM: "dumb" })).toBe(false);
});

test("metadata table has a row for each table, with keys and row counts", () => {
  const lines = drawMetadata(expectedShopMetadata().tables);
  expect(lines).toHaveLength(10);
  expect(lines[0]).toMatch(/^name +kind +columns +keys +rows$/);
  expect(lines.find((line) => line.startsWith("orders "))).toMatch(/table +5 +pk order_id, → customers +120$/);
  expect(lines.find((line) => line.startsWith("open_orders"))).toMatch(/view +3 +31$/);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
});
