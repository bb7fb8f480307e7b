import fc from "fast-check";
import { expect, test } from "vitest";
import { LogIntake, type LogPosition, NOTHING_READ } from "../../../../../src/executor/pods/logs/stream/log-intake.ts";

interface Line {
  readonly time: string;
  readonly text: string;
}

function take(
  position: LogPosition,
  stream: string,
  chunkBytes = 7,
): { text: string; gap: boolean; intake: LogIntake } {
  const intake = new LogIntake(position);
  const bytes = new TextEncoder().encode(stream);
  let text = "";
  let gap = false;
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const taken = intake.take(bytes.slice(at, at + chunkBytes));
    text += new TextDecoder().decode(taken.bytes);
    gap ||= taken.gap;
  }
  return { text, gap, intake };
}

function streamOf(lines: readonly Line[]): string {
  return lines.map(({ time, text }) => `${time} ${text}`).join("");
}

function timeOf(nanoseconds: number): string {
  return `2026-01-01T00:00:00.${String(nanoseconds).padStart(9, "0")}Z`;
}

/** Times that repeat and go back a little, as those of stdout and stderr do. Equal ones stand side by side. */
const lines: fc.Arbitrary<readonly Line[]> = fc
  .array(fc.record({ step: fc.integer({ min: 0, max: 3 }), text: fc.stringMatching(/^[ -~\r]{0,40}$/) }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((steps) => {
    let now = 0;
    return steps.map(({ step, text }, index) => {
      now += step;
      const back = step === 3 && index % 3 === 1 ? 2_000_000 : 0;
      return { time: timeOf(5_000_000 + now * 10_000_000 - back), text: `${text}\n` };
    });
  });

test("a log read in any two streams, the second from a second before, comes once and in order", () => {
  const world = fc.tuple(lines, fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 80 }));
  fc.assert(
    fc.property(world, ([all, share, chunkBytes]) => {
      const stream = streamOf(all);
      const cut = Math.floor(stream.length * share);
      const first = take(NOTHING_READ, stream.slice(0, cut), chunkBytes);
      const second = take(first.intake.position(), stream, chunkBytes);
      expect(first.text + second.text).toBe(all.map(({ text }) => text).join(""));
      expect(second.gap).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test("a stream that begins inside a line has no time there, and that part is left out", () => {
  const before = take(
    NOTHING_READ,
    streamOf([
      { time: timeOf(1), text: "long line\n" },
      { time: timeOf(2), text: "two\n" },
    ]),
  );
  const again = take(
    before.intake.position(),
    `rest of an old line\n${streamOf([
      { time: timeOf(2), text: "two\n" },
      { time: timeOf(3), text: "three\n" },
    ])}`,
  );
  expect(again.text).toBe("three\n");
  expect(again.gap).toBe(false);
});

test("a last line that is no more in the log is a gap, even when it was not finished", () => {
  const before = take(NOTHING_READ, `${timeOf(1)} half`);
  const after = take(before.intake.position(), streamOf([{ time: timeOf(9), text: "new\n" }]));
  expect(after).toMatchObject({ text: "new\n", gap: true });
});

test("a line that was half when it was read is taken from where it was left", () => {
  const before = take(NOTHING_READ, `${timeOf(1)} half`);
  expect(before.intake.position()).toMatchObject({ taken: 4 });
  expect(take(before.intake.position(), `${timeOf(1)} half and half\n${timeOf(2)} x`).text).toBe(" and half\nx");
  expect(take(before.intake.position(), `${timeOf(1)} half\n`).text).toBe("\n");
});

test("times in other zones are compared by the moment they mean", () => {
  const before = take(NOTHING_READ, "2026-10-25T02:59:59.900000000+02:00 summer\n");
  const after = take(before.intake.position(), "2026-10-25T02:00:01.000000000+01:00 winter\n");
  expect(after).toMatchObject({ text: "winter\n", gap: true });
});

test("words without a time are no content and are told", () => {
  const { text, intake } = take(NOTHING_READ, "failed to open log file: no such file\n");
  expect(text).toBe("");
  expect(intake.words).toContain("no such file");
});
