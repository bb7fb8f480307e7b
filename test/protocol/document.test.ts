import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CATALOGUE } from "../../src/protocol/catalogue.ts";
import { CLOSE_CODES } from "../../src/protocol/close-codes.ts";
import { decodeFrame, type FrameDirection } from "../../src/protocol/codec.ts";
import { LIMITS } from "../../src/protocol/limits.ts";
import { RUNNER_ID_HEADER, RUNNER_PATH, SUBPROTOCOL } from "../../src/protocol/version.ts";

const text = readFileSync(join(import.meta.dirname, "..", "..", "docs", "protocol.md"), "utf8");
const prose = text.replaceAll(/<!-- generated: [\s\S]*?<!-- end: \S+ -->/g, "");
const frames = [...text.matchAll(/^(runner|gateway) → (\{.*\})$/gm)].map(([, side = "", json = ""]) => ({
  direction: (side === "runner" ? "up" : "down") as FrameDirection,
  json,
}));

describe("docs/protocol.md", () => {
  it.each(frames)("shows a frame that can be read: $direction $json", ({ direction, json }) => {
    expect(decodeFrame(json, direction)).toStrictEqual(JSON.parse(json));
  });

  it("shows a first session from its greeting to its close", () => {
    const types = frames.map(({ json }) => (JSON.parse(json) as { type: string }).type);
    expect(types.slice(0, 5)).toEqual(["hello", "welcome", "inventory", "logCursors", "wanted"]);
    expect(types).toContain("close");
  });

  it("numbers the updates of its sample session without gaps", () => {
    const parsed = frames.map(({ json }) => JSON.parse(json) as { type: string; seq?: number });
    const session = parsed.slice(
      0,
      parsed.findIndex(({ type }) => type === "close"),
    );
    const numbers = session.flatMap(({ seq }) => seq ?? []);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(numbers.length).toBeGreaterThan(3);
  });

  it("names every message, close code and limit in its prose or tables", () => {
    const names = [...Object.keys(CATALOGUE), ...Object.keys(CLOSE_CODES), ...Object.keys(LIMITS)];
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });

  it("names path, sub-protocol and header as the program uses them", () => {
    expect(prose).toContain(`${RUNNER_PATH}\``);
    expect(prose).toContain(`\`${SUBPROTOCOL}\``);
    expect(prose.toLowerCase()).toContain(`\`${RUNNER_ID_HEADER}: `);
  });

  it("repeats the size and time limits of the code where its prose names them", () => {
    const named: readonly (keyof typeof LIMITS)[] = ["maxFrameBytes", "logChunkBytes", "logWindowBytes"];
    for (const name of named) expect(prose).toContain(LIMITS[name].toLocaleString("en"));
    expect(prose).toContain(`has sent nothing for ${LIMITS.heartbeatSeconds} s`);
    expect(prose).toContain(`has received nothing for ${LIMITS.silenceSeconds} s`);
    expect(prose).toContain(`at most ${LIMITS.inStepSeconds} s after \`welcome\``);
  });

  it("has no link to a heading that isn't there", () => {
    const anchors = new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => anchorOf(title)));
    const links = [...text.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = ""]) => anchor);
    expect(links.filter((anchor) => !anchors.has(anchor))).toEqual([]);
  });
});

/** The way web forges make an anchor of a heading. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}
