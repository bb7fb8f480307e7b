import { expect, test } from "vitest";
import { CodedError, defineErrors } from "../../src/base/errors.ts";
import { createLog, type LogFormat, type LogLevel } from "../../src/base/log.ts";
import { Sensitive } from "../../src/base/sensitive.ts";
import { FakeClock } from "../fakes/clock.ts";

const KINDS = defineErrors({ LampBroken: { retryable: false, advice: "Change the bulb" } });

function capture(level: LogLevel, format: LogFormat) {
  const lines: string[] = [];
  return { lines, log: createLog({ clock: new FakeClock(0), level, format, write: (line) => lines.push(line) }) };
}

test("log writes one JSON object a line with the child's fields and the parts of an error", () => {
  const { lines, log } = capture("info", "json");
  log.child({ run: "r1" }).warn("Lamp is dark", {
    error: new CodedError(KINDS.LampBroken, "Cannot light the lamp: bulb is dead"),
    skipped: undefined,
  });
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      time: "1970-01-01T00:00:00.000Z",
      level: "warn",
      message: "Lamp is dark",
      run: "r1",
      error: "Cannot light the lamp: bulb is dead",
      code: "LampBroken",
      next: "Change the bulb",
    },
  ]);
});

test("log leaves out what is below its level", () => {
  const { lines, log } = capture("warn", "text");
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  expect(lines.join("")).toBe("1970-01-01T00:00:00.000Z WARN  c\n1970-01-01T00:00:00.000Z ERROR d\n");
});

test("log keeps a line one line and a sensitive value unseen", () => {
  const { lines, log } = capture("info", "text");
  log.info("Said", { text: "two\nlines", token: new Sensitive("abcdefgh"), count: 3 });
  expect(lines).toEqual(['1970-01-01T00:00:00.000Z INFO  Said text="two\\nlines" token="[redacted]" count=3\n']);
});
