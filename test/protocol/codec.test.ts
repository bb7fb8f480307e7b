import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CodedError } from "../../src/base/errors.ts";
import { BOUNDS, type Bound } from "../../src/protocol/bounds.ts";
import { CATALOGUE } from "../../src/protocol/catalogue.ts";
import { decodeFrame, encodeFrame, type Frame, type FrameDirection } from "../../src/protocol/codec.ts";
import { LIMITS } from "../../src/protocol/limits.ts";
import type { Json, JsonObject, MessageType } from "../../src/protocol/messages.ts";
import { RUN_STATES } from "../../src/protocol/run-state.ts";
import { stateFacts } from "../fakes/state-facts.ts";
import { badFrames, goodFrames, SENTINEL } from "./golden-frames.ts";

describe("golden frames", () => {
  const good = goodFrames();

  it.each(good)("$name decodes and encodes to the same JSON", ({ direction, frame }) => {
    const decoded = decodeFrame(JSON.stringify(frame), direction);
    expect(decoded).toStrictEqual(frame);
    expect(JSON.parse(encodeFrame(decoded, direction))).toStrictEqual(frame);
  });

  it.each(good)("$name is named after its type", ({ name, frame }) => {
    expect(name === frame.type || name.startsWith(`${frame.type}.`)).toBe(true);
  });

  it("show every message in each of its directions", () => {
    const shown = new Set(good.map(({ direction, frame }) => `${frame.type} ${direction}`));
    const expected = Object.entries(CATALOGUE).flatMap(([type, { direction }]) =>
      direction === "both" ? [`${type} up`, `${type} down`] : [`${type} ${direction}`],
    );
    expect(expected.filter((row) => !shown.has(row))).toEqual([]);
  });

  it("show every outcome, refusal reason, kind of answer and run state", () => {
    const shown = new Set(good.flatMap(({ frame }) => variants(frame)));
    const reasons = "draining full tooLate policy standby unknownPipeline staleGeneration noExecutor badConfig storage";
    const expected = [
      ..."accepted duplicate refused unsupported answered".split(" "),
      ...reasons.split(" "),
      ..."runStatus serviceStatus".split(" "),
      ...RUN_STATES,
    ];
    expect(expected.filter((variant) => !shown.has(variant))).toEqual([]);
  });
});

describe("decodeFrame", () => {
  it.each(badFrames())("refuses $name with $code and names $path", ({ text, direction, code, path }) => {
    const error = refusal(text, direction);
    expect(error.code).toBe(code);
    expect(error.message).toContain(path);
    expect(`${error.message} ${JSON.stringify(error.facts)} ${error.advice}`).not.toContain(SENTINEL);
    expect(error.cause).toBeUndefined();
  });

  it("refuses a text of one byte more than the limit, before looking into it", () => {
    const error = refusal("x".repeat(LIMITS.maxFrameBytes + 1), "up");
    expect(error.code).toBe("FrameTooLarge");
    expect(error.facts).toEqual({ bytes: LIMITS.maxFrameBytes + 1, limit: LIMITS.maxFrameBytes });
  });

  it("counts bytes, not characters", () => {
    expect(refusal("é".repeat(LIMITS.maxFrameBytes / 2 + 1), "up").code).toBe("FrameTooLarge");
  });

  it("takes a frame of exactly the limit", () => {
    const empty = JSON.stringify(deploy({ note: "" }));
    const frame = deploy({ note: "x".repeat(LIMITS.maxFrameBytes - empty.length) });
    expect(decodeFrame(JSON.stringify(frame), "down")).toStrictEqual(frame);
  });

  it("names the first five faults of a frame with many", () => {
    const text = JSON.stringify({ type: "hello", epoch: 0, body: {} });
    expect(refusal(text, "up").message.split(";")).toHaveLength(5);
  });

  it("refuses JSON nested 100,000 deep with a coded error", () => {
    const text = JSON.stringify(deploy({ deep: 1 })).replace(
      '"deep":1',
      `"deep":${"[".repeat(100_000)}${"]".repeat(100_000)}`,
    );
    expect(refusal(text, "down").code).toBe("BadFrame");
  });

  it("leaves out keys named __proto__ in free JSON, and no object gets another prototype", () => {
    const text = JSON.stringify(deploy({ nested: { kept: 1 } })).replace(
      '"kept":1',
      '"kept":1,"__proto__":{"admin":true}',
    );
    const frame = decodeFrame(text, "down");
    expect(frame).toStrictEqual(deploy({ nested: { kept: 1 } }));
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe("encodeFrame", () => {
  it("never writes what the other side would refuse", () => {
    for (const { text, direction, code } of badFrames()) {
      const value = parsed(text);
      if (value === undefined) continue;
      expect(() => encodeFrame(value as Frame, direction)).toThrowError(expect.objectContaining({ code }));
    }
  });

  it("refuses a frame above the limit", () => {
    const frame = deploy({ note: "x".repeat(LIMITS.maxFrameBytes) });
    expect(() => encodeFrame(frame, "down")).toThrowError(expect.objectContaining({ code: "FrameTooLarge" }));
  });

  it("and decodeFrame together keep every generated frame as it was", () => {
    fc.assert(
      fc.property(anyFrame, ({ frame, direction }) => {
        expect(decodeFrame(encodeFrame(frame, direction), direction)).toStrictEqual(frame);
      }),
    );
  });

  it("meets nothing but coded errors for any JSON in place of a body", () => {
    const types = Object.keys(CATALOGUE) as MessageType[];
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.jsonValue(), fc.constantFrom("up", "down"), (type, body, direction) => {
        try {
          decodeFrame(JSON.stringify({ type, epoch: 1, body }), direction as FrameDirection);
        } catch (error) {
          expect(error).toBeInstanceOf(CodedError);
        }
      }),
    );
  });
});

const uuid = fc.uuid({ version: 4 });
const within = ({ least, most }: Bound) => fc.integer({ min: least, max: most });
const count = within(BOUNDS.attempt);
const size = fc.integer({ min: 0, max: BOUNDS.logBytes.most - LIMITS.maxFrameBytes });
const words = fc.string({ unit: "grapheme", maxLength: 60 });
const json = fc.jsonValue().map((value) => withoutOddities(value));
const anyJsonObject = fc
  .dictionary(words, json, { maxKeys: 5, noNullPrototype: true })
  .map((value) => withoutOddities(value) as JsonObject);
const plain = { noNullPrototype: true } as const;
const log = fc.record({ runId: uuid, offset: size, text: words.filter((text) => text !== "") }, plain);
const anyReport = fc.record(
  {
    runId: uuid,
    pipelineId: uuid,
    attempt: count,
    state: fc.constantFrom(...RUN_STATES),
    startedAt: size,
    exitCode: within(BOUNDS.exitCode),
  },
  { requiredKeys: ["runId", "pipelineId", "attempt", "state"], noNullPrototype: true },
);
const report = anyReport.map(({ exitCode, ...facts }) => ({
  ...facts,
  ...stateFacts(facts.state),
  ...(exitCode === undefined ? {} : { exitCode: facts.state.endsWith("uccess") ? 0 : exitCode }),
}));
const start = fc.record(
  {
    operationId: uuid,
    runId: uuid,
    pipelineId: uuid,
    generation: count,
    attempt: count,
    startBefore: size,
    sourceConfigOverride: anyJsonObject,
  },
  {
    requiredKeys: ["operationId", "runId", "pipelineId", "generation", "attempt", "startBefore"],
    noNullPrototype: true,
  },
);
const inventory = fc.record(
  {
    pipelines: fc.array(fc.record({ pipelineId: uuid, generation: count, hash: words }, plain), { maxLength: 5 }),
    runs: fc.array(
      report.map(({ runId, pipelineId, attempt, state }) => ({ runId, pipelineId, attempt, state })),
      {
        maxLength: 5,
      },
    ),
    last: fc.boolean(),
  },
  plain,
);
const anyFrame: fc.Arbitrary<{ frame: Frame; direction: FrameDirection }> = fc.oneof(
  up("run.log", log, count),
  up("run.update", report, count),
  up("inventory", inventory, fc.constant(undefined)),
  start.chain((body) =>
    count.map((epoch) => ({ frame: { type: "run.start", epoch, body }, direction: "down" }) as const),
  ),
);

function up<T extends MessageType>(
  type: T,
  body: fc.Arbitrary<Frame<T>["body"]>,
  seq: fc.Arbitrary<number | undefined>,
): fc.Arbitrary<{ frame: Frame; direction: FrameDirection }> {
  return fc.tuple(count, seq, body).map(([epoch, number, value]) => ({
    frame: { type, epoch, ...(number === undefined ? {} : { seq: number }), body: value } as unknown as Frame,
    direction: "up" as const,
  }));
}

/** JSON has no -0, and keys named __proto__ are dropped by rule. */
function withoutOddities(value: unknown): Json {
  const text = JSON.stringify(value, (key, item) => (key === "__proto__" ? undefined : item));
  return JSON.parse(text) as Json;
}

function deploy(config: JsonObject): Frame<"pipeline.deploy"> {
  const golden = goodFrames().find(({ name }) => name === "pipeline.deploy")?.frame as Frame<"pipeline.deploy">;
  return { ...golden, body: { ...golden.body, pipeline: { ...golden.body.pipeline, config } } };
}

function variants(frame: Frame): string[] {
  if (frame.type === "run.update") return [frame.body.state];
  if (frame.type !== "verdict") return [];
  const { body } = frame;
  if (body.outcome === "refused") return [body.outcome, body.reason];
  return body.outcome === "answered" ? [body.outcome, body.answer.kind] : [body.outcome];
}

function refusal(text: string, direction: FrameDirection): CodedError {
  try {
    decodeFrame(text, direction);
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
  throw new Error("the frame was taken");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
