import { expect, test } from "vitest";
import { createLog } from "../../src/base/log.ts";
import { visibleText } from "../../src/base/visible-text.ts";
import { FakeClock } from "../fakes/clock.ts";

/** Everything that moves a cursor, hides or turns text, or ends a line where there is none. */
const DISTURBING = [
  ...Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).filter((unit) => !"\n\t".includes(unit)),
  ...Array.from({ length: 33 }, (_, more) => String.fromCharCode(0x7f + more)),
  ..."\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069",
];

test("text for a terminal has no character that disturbs it, and keeps all others", () => {
  for (const unit of DISTURBING) expect(visibleText(`a${unit}b`)).toMatch(/^a\\u[0-9a-f]{4}b$/);
  const kept = "one\ttwo\nümläut 🔑 \u00a0 \\n";
  expect(visibleText(kept)).toBe(kept);
  expect(visibleText("\u{1b}[1;31mred\u{1b}[0m \u{1b}]0;title\u{7}")).toBe("red \\u001b]0;title\\u0007");
});

test.each(["text", "json"] as const)(
  "a line of our log as %s has no such character, wherever it comes from",
  (format) => {
    const lines: string[] = [];
    const log = createLog({ clock: new FakeClock(), level: "info", format, write: (line) => void lines.push(line) });
    const reason = DISTURBING.join("");
    log.warn("The gateway closed", { reason, error: new Error(reason), list: [reason] });
    expect(lines).toHaveLength(1);
    const line = lines[0] ?? "";
    for (const unit of DISTURBING) expect(line.includes(unit), JSON.stringify(unit)).toBe(false);
    if (format === "json") expect((JSON.parse(line) as { reason: string }).reason).toBe(reason);
  },
);
