import { expect, test } from "vitest";
import { z } from "zod";
import { CATALOGUE } from "../../src/protocol/catalogue.ts";
import { mistakesIn, plainWords } from "../../src/protocol/plain-words.ts";

/** The library's own words and codes. */
const FOREIGN = /invalid|unrecognized|expected|received|too_|_type|_value|_format|_keys|_union|NaN/i;

const shape = z.strictObject({
  name: z.string().min(2).max(4),
  id: z.uuid().exactOptional(),
  size: z.int().min(1).max(9).exactOptional(),
  on: z.boolean().exactOptional(),
  state: z.enum(["queued", "running"]).exactOptional(),
  list: z.array(z.string()).min(1).max(2).exactOptional(),
  more: z.record(z.string(), z.string()).exactOptional(),
  either: z.union([z.string(), z.int()]).exactOptional(),
  own: z.string().regex(/^x/, { error: "must begin with x" }).exactOptional(),
});

const wordsFor = (value: unknown): string =>
  mistakesIn(shape.safeParse(value, { error: plainWords }).error ?? new z.ZodError([]), 10).join("; ");

test.each([
  [{}, "name: is missing"],
  [{ name: 7 }, "name: must be a text"],
  [{ name: "n" }, "name: must have at least 2 characters"],
  [{ name: "needle" }, "name: must have at most 4 characters"],
  [{ name: "ok", id: "needle" }, "id: must be a UUID"],
  [{ name: "ok", size: "needle" }, "size: must be a number"],
  [{ name: "ok", size: 0.5 }, "size: must be a whole number"],
  [{ name: "ok", size: 0 }, "size: must be at least 1"],
  [{ name: "ok", size: 10 }, "size: must be at most 9"],
  [{ name: "ok", on: "needle" }, "on: must be true or false"],
  [{ name: "ok", state: "needle" }, 'state: must be "queued" or "running"'],
  [{ name: "ok", list: 7 }, "list: must be a list"],
  [{ name: "ok", list: [] }, "list: must have at least 1 entries"],
  [{ name: "ok", more: "needle" }, "more: must be an object"],
  [{ name: "ok", either: [] }, "either: is not as it must be"],
  [{ name: "ok", own: "needle" }, "own: must begin with x"],
  [{ name: "ok", nmae: "needle" }, "(top): has fields that are not known here: nmae"],
  [{ name: "ok", nmae: 1, "needle needle": 1 }, "(top): has fields that are not known here: nmae, others"],
  ["needle", "(top): must be an object"],
])("what is wrong is told by place and in plain words, without the value: %j", (value, words) => {
  expect(wordsFor(value)).toBe(words);
});

test("no shape of the protocol is refused in the library's words", () => {
  const values = [undefined, null, true, 0.5, -1, "", "x".repeat(70_000), [], [{}], {}, { unknown: {} }];
  for (const [type, { body }] of Object.entries(CATALOGUE)) {
    for (const value of values) {
      const parsed = (body as z.ZodType).safeParse(value, { error: plainWords });
      if (!parsed.success)
        for (const mistake of mistakesIn(parsed.error, 50)) expect(mistake, type).not.toMatch(FOREIGN);
    }
  }
});
