import { expect, test } from "vitest";
import type { Followed } from "../../../../../src/executor/pods/logs/stream/follow-options.ts";
import { type StreamEnd, streamEnd } from "../../../../../src/executor/pods/logs/stream/stream-end.ts";

interface Case {
  readonly name: string;
  readonly before: StreamEnd;
  readonly followed?: Partial<Followed>;
  readonly lastedMs?: number;
  readonly after: StreamEnd;
}

const cases: readonly Case[] = [
  { name: "one end may be a broken connection", before: "open", after: "once" },
  { name: "a second one at once is the node's word", before: "once", after: "sure" },
  {
    name: "one that brings more shows that the one before was broken",
    before: "once",
    followed: { bytes: 1 },
    after: "once",
  },
  { name: "one that lasts shows that the container runs", before: "once", lastedMs: 60_000, after: "once" },
  { name: "one that doesn't end shows nothing", before: "once", followed: { isAtEnd: false }, after: "open" },
  {
    name: "one that was left for others shows nothing",
    before: "open",
    followed: { isAtEnd: false, yielded: true },
    after: "open",
  },
  { name: "the log may go away with its pod", before: "sure", followed: { isAtEnd: false }, after: "sure" },
  { name: "what comes after all is believed", before: "sure", followed: { bytes: 1 }, after: "once" },
  {
    name: "a container that runs after all is believed",
    before: "sure",
    followed: { isAtEnd: false },
    lastedMs: 60_000,
    after: "open",
  },
];

test.each(cases)("of streams' ends: $name", ({ before, followed = {}, lastedMs = 5, after }) => {
  expect(streamEnd(before, { bytes: 0, yielded: false, isAtEnd: true, ...followed }, lastedMs)).toBe(after);
});
