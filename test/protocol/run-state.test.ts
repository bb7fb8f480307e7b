import { describe, expect, it } from "vitest";
import {
  isLegalTransition,
  isTerminal,
  RUN_STATES,
  type RunState,
  supersedes,
  TERMINAL_STATES,
} from "../../src/protocol/run-state.ts";

const ENDS: readonly RunState[] = ["success", "failed", "partialSuccess", "stopped"];

describe("isLegalTransition", () => {
  const legal = new Set([
    "queued running",
    ...ENDS.map((end) => `queued ${end}`),
    ...ENDS.map((end) => `running ${end}`),
  ]);
  const pairs = RUN_STATES.flatMap((from) => RUN_STATES.map((to) => ({ from, to })));

  it.each(pairs)("from $from to $to", ({ from, to }) => {
    expect(isLegalTransition(from, to)).toBe(legal.has(`${from} ${to}`));
  });
});

describe("isTerminal", () => {
  it("is true of the four ends and of nothing else", () => {
    expect(RUN_STATES.filter(isTerminal)).toEqual(ENDS);
    expect([...TERMINAL_STATES].sort()).toEqual([...ENDS].sort());
  });
});

describe("supersedes", () => {
  it.each([
    { next: [1, "running"], known: [1, "queued"], news: true, why: "a step forward" },
    { next: [1, "success"], known: [1, "queued"], news: true, why: "a step too short to be seen" },
    { next: [1, "running"], known: [1, "running"], news: false, why: "a repetition" },
    { next: [1, "queued"], known: [1, "running"], news: false, why: "a late frame" },
    { next: [1, "failed"], known: [1, "success"], news: false, why: "an end is never taken back" },
    { next: [1, "success"], known: [1, "failed"], news: false, why: "the first end stays" },
    { next: [2, "queued"], known: [1, "failed"], news: true, why: "a later attempt begins" },
    { next: [2, "running"], known: [1, "running"], news: true, why: "a later attempt whose beginning was missed" },
    { next: [1, "success"], known: [2, "queued"], news: false, why: "the end of an earlier attempt" },
  ] as const)("$why: $next after $known is news: $news", ({ next, known, news }) => {
    const moment = ([attempt, state]: readonly [number, RunState]) => ({ attempt, state });
    expect(supersedes(moment(next), moment(known))).toBe(news);
  });

  it("never lets two moments be news to each other", () => {
    const moments = [1, 2].flatMap((attempt) => RUN_STATES.map((state) => ({ attempt, state })));
    for (const one of moments) {
      for (const other of moments) expect(supersedes(one, other) && supersedes(other, one)).toBe(false);
    }
  });
});
