import { describe, expect, it } from "vitest";
import { type JsonSchema, protocolSchemas } from "../../scripts/generate/json-schema.ts";
import { protocolSchema } from "../../scripts/generate/protocol-schema.ts";
import { openApiDocument } from "../../src/gateway/api/openapi.ts";
import { BOUNDS } from "../../src/protocol/bounds.ts";
import { decodeFrame } from "../../src/protocol/codec.ts";
import { goodFrames } from "./golden-frames.ts";

/** What is added or multiplied anywhere stays below this, and so an integer that every side holds exactly. */
const WIDEST = 1_000_000_000_000_000;
/** Objects whose numbers are the user's own and are handed on, never counted with. */
const FREE = ["config", "workflow", "application", "sourceConfigOverride", "appConfigOverride"];

/** Paths of all integers in a schema whose bounds are missing or too wide. */
function unbounded(schema: unknown, path = ""): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { type, exclusiveMinimum, minimum = exclusiveMinimum, maximum, const: fixed } = schema as JsonSchema;
  const isNumber = (type === "integer" || type === "number") && fixed === undefined;
  const bounded = (minimum ?? -Infinity) >= -WIDEST && (maximum ?? Infinity) <= WIDEST;
  const own = isNumber && !bounded ? [path] : [];
  return [...own, ...Object.entries(schema).flatMap(([name, part]) => unbounded(part, `${path}/${name}`))];
}

/** Paths of all numbers in a frame that the protocol gives a meaning to. */
function numbersIn(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value === "number") return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => (FREE.includes(name) ? [] : numbersIn(part, [...path, name])));
}

function replaced(frame: unknown, path: readonly (string | number)[], number: string): string {
  const copy = structuredClone(frame) as Record<string | number, unknown>;
  let holder = copy;
  for (const name of path.slice(0, -1)) holder = holder[name] as typeof holder;
  holder[path.at(-1) ?? ""] = "@number@";
  return JSON.stringify(copy).replace('"@number@"', number);
}

describe("numbers", () => {
  it("have bounds in every message", () => {
    expect(unbounded({ ...protocolSchemas() })).toEqual([]);
    expect(unbounded(JSON.parse(protocolSchema()))).toEqual([]);
  });

  it("have bounds in every route", () => {
    const { paths, components } = openApiDocument();
    expect(unbounded({ paths, components })).toEqual([]);
  });

  it("leave room for one more and for milliseconds", () => {
    for (const { least, most } of Object.values(BOUNDS)) {
      expect(Number.isSafeInteger(most + 1) && Number.isSafeInteger(least - 1)).toBe(true);
    }
    const seconds = Object.entries(BOUNDS).filter(([name]) => name.endsWith("Seconds"));
    for (const [name, { most }] of seconds) {
      expect(BOUNDS.timestamp.most + most * 1000, name).toBeLessThan(8.64e15);
    }
  });

  const places = goodFrames().flatMap(({ name, direction, frame }) =>
    numbersIn(frame).map((path) => ({ name, direction, frame, path, place: path.join(".") })),
  );

  it.each(places)("beyond all bounds are refused at $place of $name", ({ direction, frame, path }) => {
    for (const number of [
      "9007199254740991",
      "-9007199254740991",
      "1e308",
      "-1e308",
      "1e999",
      "0.5",
      '"NaN"',
      "null",
    ]) {
      expect(() => decodeFrame(replaced(frame, path, number), direction), number).toThrow(/^Cannot read/);
    }
  });
});
