import fc from "fast-check";
import { BOUNDS } from "../../src/protocol/bounds.ts";
import type { FrameDirection } from "../../src/protocol/codec.ts";
import { type GoodFrame, goodFrames } from "../protocol/golden-frames.ts";

/** Numbers as JSON texts: within all bounds, at their ends, beyond them, and what only looks like a number. */
export const NUMBERS: readonly string[] = [
  ...["0", "-1", "1", "0.5", "2147483647", "2147483648", "9007199254740991", "-9007199254740991", "9007199254740993"],
  ...["1e308", "-1e308", "1e999", '"NaN"', '"9007199254740991"', "null", "true", "[]"],
  ...Object.values(BOUNDS).flatMap(({ least, most }) => [least, most, most + 1].map(String)),
];

/** Those that broke something before come more often. */
const LIKELY: readonly string[] = ["9007199254740991", "9007199254740990", "9999998951424"];

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Which golden frame, and what takes the place of its numbers and ids; the same recipe makes the same text of the same ids. */
export interface Recipe {
  readonly frame: number;
  readonly choices: readonly number[];
}

/** Recipes, which shrink to plain frames. */
export const anyRecipe: fc.Arbitrary<Recipe> = fc.record({
  frame: fc.nat({ max: 10_000 }),
  choices: fc.array(fc.nat({ max: 9_999 }), { minLength: 8, maxLength: 8 }),
});

/** How the ids and the session's own numbers stand when a frame is made. */
export interface Ingredients {
  readonly epoch: number;
  /** Of the next update. */
  readonly seq: number;
  /** Ids that exist, by the name of the field: own ones, others', deleted ones. */
  readonly ids: Readonly<Record<string, readonly string[]>>;
}

/** Golden frames by direction, and within it by type, so that each type is as likely as any other. */
const frames: Readonly<Record<FrameDirection, readonly (readonly GoodFrame[])[]>> = {
  up: byType("up"),
  down: byType("down"),
};

function byType(wanted: FrameDirection): readonly (readonly GoodFrame[])[] {
  const travelling = goodFrames().filter(({ direction }) => direction === wanted);
  const kinds = [...Map.groupBy(travelling, ({ frame }) => frame.type).values()];
  // What names a pipeline or a run comes three times as often.
  const telling = kinds.filter((kind) => /pipelineId|runId/.test(JSON.stringify(kind)));
  return [...kinds, ...telling, ...telling];
}

/** The text of a frame that travels this way; half of its numbers and most of its ids are others. */
export function cook(recipe: Recipe, direction: FrameDirection, { epoch, seq, ids }: Ingredients): string {
  const types = frames[direction];
  const kind = types[recipe.frame % types.length] ?? [];
  const golden = kind[Math.floor(recipe.frame / types.length) % kind.length]?.frame;
  let place = 0;
  const choice = (): number => recipe.choices[place++ % recipe.choices.length] ?? 0;
  const numbers: string[] = [];
  const other = (chosen: number): string | undefined => {
    const list = chosen % 3 === 0 ? NUMBERS : LIKELY;
    return list[Math.floor(chosen / 3) % list.length];
  };
  const body = JSON.stringify(golden?.body, (key, value: unknown) => {
    if (typeof value === "number") {
      const chosen = choice();
      numbers.push((chosen % 3 === 0 ? undefined : other(Math.floor(chosen / 3))) ?? String(value));
      return "@number@";
    }
    // A comparison that is never finished compares nothing.
    if (key === "last") return true;
    const known = ids[key] ?? [];
    if (typeof value !== "string" || !UUID.test(value)) return value;
    return known[choice() % (known.length + 1)] ?? value;
  });
  // The envelope is mostly right, or nothing behind it would be reached.
  const wrong = choice() % 16 === 0 ? (NUMBERS[choice() % NUMBERS.length] ?? "0") : undefined;
  const isUpdate = golden?.seq !== undefined;
  const numbered = isUpdate ? `,"seq":${wrong ?? seq}` : "";
  const filled = body.replaceAll('"@number@"', () => numbers.shift() ?? "0");
  return `{"type":${JSON.stringify(golden?.type)},"epoch":${isUpdate ? epoch : (wrong ?? epoch)}${numbered},"body":${filled}}`;
}
