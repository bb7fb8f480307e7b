import fc from "fast-check";
import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { LogLane } from "./log-lane.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const step = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 }) },
  { weight: 2, arbitrary: fc.nat(300).map((count) => `${"ü€🔑-".repeat(count * 40)}\n`) },
  { weight: 2, arbitrary: fc.constant("cut" as const) },
);

test("logs arrive whole and once, wherever the line is cut", { timeout: 300_000 }, async () => {
  const lane = await LogLane.open();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
      const runId = await lane.run();
      for (const what of steps) {
        if (what === "cut") lane.cut();
        else await lane.write(runId, `${what.toWellFormed()}.`);
        await pause(5);
      }
      lane.end(runId);
      const { text, complete, verified, gaps } = await lane.whole(runId);
      expect(text).toBe(lane.text(runId));
      expect({ complete, verified, gaps }).toEqual({ complete: true, verified: true, gaps: [] });
    }),
    { numRuns: 4 },
  );
});

test("20 runs that log a MiB each keep order and hash over forced cuts", { timeout: 300_000 }, async () => {
  const lane = await LogLane.open();
  const runs: string[] = [];
  for (let count = 0; count < 20; count++) runs.push(await lane.run());
  for (let part = 0; part < 8; part++) {
    for (const [number, runId] of runs.entries()) {
      const line = `run ${number} part ${part} ü${"x".repeat(200)}\n`;
      await lane.write(runId, line.repeat(Math.ceil(131_072 / line.length)));
    }
    if (part % 2 === 1) lane.cut();
  }
  for (const runId of runs) lane.end(runId);
  for (const runId of runs) {
    const { text, verified } = await lane.whole(runId, 60_000);
    expect(text === lane.text(runId), `log of ${runId}`).toBe(true);
    expect(verified).toBe(true);
  }
  expect(lane.sessions).toBeGreaterThan(1);
});

test("a run goes on long after the limit: its head comes live, its tail at the end, and the words say so", async () => {
  const lane = await LogLane.open(10_000);
  const runId = await lane.run();
  const line = (number: number): string => `${String(number).padStart(9, "0")}\n`;
  for (let number = 0; number < 2000; number++) await lane.write(runId, line(number));
  const live = await eventually(async () => {
    const view = await lane.view(runId);
    expect(view.capped).toBe(true);
    return view;
  });
  expect(live.text).toBe(lane.text(runId).slice(0, 5000));
  expect(live).toMatchObject({ complete: false, gaps: [] });
  expect(live.note).toContain("the run goes on");
  expect(live.note).toContain(`hybrid-runner logs ${runId}`);
  lane.cut();
  for (let number = 2000; number < 4000; number++) await lane.write(runId, line(number));
  expect((await lane.view(runId)).text).toHaveLength(5000);
  lane.end(runId);
  const whole = await lane.whole(runId);
  expect(whole.gaps).toEqual([[5000, 30_000]]);
  expect(whole).toMatchObject({ complete: false, verified: false, capped: true });
  expect(whole.note).toBeUndefined();
  const [head, marker, tail] = whole.text.split(/\n(?=\[hybrid-runner)|(?<=\])\n/);
  expect(`${head}\n`).toBe(lane.text(runId).slice(0, 5000).concat("\n"));
  expect(marker).toContain("30000 bytes of log are not shown here. Nothing is wrong with the run");
  expect(marker).not.toMatch(/fail|error|lost/i);
  expect(tail).toBe(lane.text(runId).slice(-5000));
});

test("a log of exactly the limit arrives whole, though it was held back for a while", async () => {
  const lane = await LogLane.open(10_000);
  const runId = await lane.run();
  await lane.write(runId, "x".repeat(9000));
  await eventually(async () => expect((await lane.view(runId)).capped).toBe(true));
  await lane.write(runId, "y".repeat(1000));
  lane.end(runId);
  const whole = await lane.whole(runId);
  expect(whole.text).toBe(lane.text(runId));
  expect(whole).toMatchObject({ complete: true, verified: true, capped: false, gaps: [] });
});

test("a log one byte over the limit lacks that byte and no more", async () => {
  const lane = await LogLane.open(10_000);
  const runId = await lane.run();
  await lane.write(runId, "x".repeat(10_001));
  await eventually(async () => expect((await lane.view(runId)).capped).toBe(true));
  lane.end(runId);
  expect(await lane.whole(runId)).toMatchObject({ gaps: [[5000, 1]], capped: true });
});

test("a limit inside a character leaves no half one", { timeout: 300_000 }, async () => {
  const lane = await LogLane.open(101);
  for (const before of ["", "a", "ab", "abc"]) {
    const runId = await lane.run();
    await lane.write(runId, before + "🔑".repeat(100));
    await pause(300);
    lane.end(runId);
    const { text, gaps } = await lane.whole(runId);
    expect(text).not.toContain("\u{fffd}");
    expect(text.startsWith(`${before}🔑`) && text.endsWith("🔑")).toBe(true);
    const missing = gaps.reduce((sum, [, bytes]) => sum + bytes, 0);
    const shown = Buffer.byteLength(text.replace(/\n\[.*\]\n/, ""));
    expect(shown + missing).toBe(Buffer.byteLength(lane.text(runId)));
    expect(shown).toBeLessThan(101 + 8);
  }
});

test("a copy that was spoilt at the gateway is dropped, sent again and then verified", async () => {
  const lane = await LogLane.open();
  const runId = await lane.run();
  await lane.gateway.store.appendLog(runId, 0, "other");
  lane.cut();
  await lane.write(runId, "right from the start\n");
  lane.end(runId);
  const whole = await eventually(async () => {
    const view = await lane.view(runId);
    expect(view.verified).toBe(true);
    return view;
  });
  expect(whole.text).toBe("right from the start\n");
});

test("a log whose hash never fits is sent again once, and stays unverified", async () => {
  const lane = await LogLane.open();
  const runId = await lane.run();
  await lane.write(runId, "some text\n");
  lane.end(runId, { sha256: "0".repeat(64) });
  const { text, complete, verified } = await lane.whole(runId);
  expect({ text, complete, verified }).toEqual({ text: "some text\n", complete: true, verified: false });
  const restarts = lane.gateway.logLines.filter(
    (line) => line.includes("A session failed") && line.includes("LogDiffers"),
  );
  expect(restarts).toHaveLength(1);
  expect(lane.gateway.logLines.some((line) => line.includes("although it was sent twice"))).toBe(true);
});

test("a log over the limit whose run ended before anybody looked is told as left out, and not as a gap", async () => {
  const lane = await LogLane.open(10_000);
  const runId = await lane.run();
  lane.cut();
  await lane.write(runId, "123456789\n".repeat(4000));
  lane.end(runId);
  const whole = await lane.whole(runId);
  expect(whole).toMatchObject({ capped: true, gaps: [[5000, 30_000]] });
  expect(whole.text).toContain("Nothing is wrong with the run");
  expect(whole.text).not.toContain("[gap:");
});
