import fc from "fast-check";
import { expect, test } from "vitest";
import { nextLogPart } from "../../src/runs/log-part.ts";

/** Sends a log of ASCII that grows by these steps and then ends; answers the stretches that were sent. */
function send(limit: number, growth: readonly number[], most: number): { sent: [number, number][]; end: number } {
  const sent: [number, number][] = [];
  let [size, position] = [0, 0];
  const drain = (end: number | undefined): void => {
    for (;;) {
      const part = nextLogPart(position, limit, end);
      if (part === "held" || part === "done") return;
      const upTo = Math.min(part.upTo, part.from + most, size);
      if (upTo <= part.from) return;
      sent.push([part.from, upTo]);
      position = upTo;
    }
  };
  for (const bytes of growth) {
    size += bytes;
    drain(undefined);
  }
  drain(size);
  return { sent, end: size };
}

test("nextLogPart sends a log within the limit whole, and of a longer one exactly the limit: head and tail", () => {
  const growth = fc.array(fc.nat(500), { maxLength: 20 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), growth, fc.integer({ min: 1, max: 300 }), (limit, steps, most) => {
      const { sent, end } = send(limit, steps, most);
      const bytes = sent.reduce((sum, [from, upTo]) => sum + upTo - from, 0);
      expect(bytes).toBe(Math.min(limit, end));
      const holes = sent.filter(([from], index) => from !== (sent[index - 1]?.[1] ?? 0));
      expect(holes.length).toBe(end > limit && limit > 1 ? 1 : 0);
      if (end > 0 && limit > 1) expect(sent.at(-1)?.[1]).toBe(end);
    }),
  );
});

test("nextLogPart sends no more than the limit when nobody knows the end", () => {
  expect(nextLogPart(40, 100, "unknown")).toEqual({ from: 40, upTo: 100 });
  expect(nextLogPart(100, 100, "unknown")).toBe("done");
});
