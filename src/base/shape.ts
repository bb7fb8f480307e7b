/*
 * Shapes of JSON values that one part of this program writes and another reads back: run records, settings handed to a
 * supervisor. Strict (an unknown field is a problem), and small enough to load in the few milliseconds a run may wait for its
 * supervisor, which the schemas of the wire protocol are not.
 */

/** What is wrong with a value: where and how. Never the value itself, which could be a secret. */
export interface ShapeProblem {
  /** Names from the outside in, joined by dots; empty for the value as a whole. */
  readonly path: string;
  readonly message: string;
}

/** Tells what keeps a value from being a T. */
export interface Shape<out T> {
  /** Appends to `problems`; adds nothing when the value is a T. */
  check(value: unknown, path: string, problems: ShapeProblem[]): void;
  /** True when an object may do without this field. */
  readonly optional?: boolean;
  /** Carries the type; never there. */
  readonly type?: T;
}

/** A value of the shape, or all that is wrong with it. */
export type ShapeAnswer<T> =
  | { readonly value: T; readonly problems?: never }
  | { readonly value?: never; readonly problems: readonly ShapeProblem[] };

/** Checks a value against a shape. */
export function readShape<T>(shape: Shape<T>, value: unknown): ShapeAnswer<T> {
  const problems: ShapeProblem[] = [];
  shape.check(value, "", problems);
  return problems.length === 0 ? { value: value as T } : { problems };
}

/** A value that `fits`; `message` completes "must be …". */
function plain<T>(message: string, fits: (value: unknown) => boolean): Shape<T> {
  return {
    check(value, path, problems) {
      if (!fits(value)) problems.push({ path, message: `must be ${message}` });
    },
  };
}

/** Any text. */
export const text: Shape<string> = plain("a text", (value) => typeof value === "string");

/** A text with at least one character. */
export const filledText: Shape<string> = plain("a text that is not empty", (value) => {
  return typeof value === "string" && value !== "";
});

/** A text that the pattern fits; `message` completes "must be …". */
export function textLike(pattern: RegExp, message: string): Shape<string> {
  return plain(message, (value) => typeof value === "string" && pattern.test(value));
}

/** A UUID in its usual form. */
export const uuid: Shape<string> = textLike(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, "a UUID");

/** A finite number. */
export const number: Shape<number> = plain("a number", (value) => Number.isFinite(value));

/** A number above 0. */
export const positiveNumber: Shape<number> = plain(
  "a number above 0",
  (value) => Number.isFinite(value) && Number(value) > 0,
);

/** A whole number within these bounds. */
export function whole({ least, most }: { readonly least: number; readonly most: number }): Shape<number> {
  const fits = (value: unknown): boolean =>
    Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
  return plain(`a whole number from ${least} to ${most}`, fits);
}

/** One of these very values. */
export function oneOf<const T extends string | number>(...values: readonly T[]): Shape<T> {
  return plain(values.join(" or "), (value) => values.includes(value as T));
}

/** Anything JSON can hold; for what has just been parsed from JSON. */
export const anything: Shape<never> = { check: () => undefined };

/** A mapping with whatever inside; for what has just been parsed from JSON. */
export const mapping: Shape<never> = plain("a mapping", isMapping);

/** A list of such values. */
export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return {
    check(value, path, problems) {
      if (!Array.isArray(value)) problems.push({ path, message: "must be a list" });
      else for (const [index, entry] of value.entries()) item.check(entry, join(path, String(index)), problems);
    },
  };
}

/** A mapping from any name to such values. */
export function mappingOf<T>(item: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return {
    check(value, path, problems) {
      if (!isMapping(value)) problems.push({ path, message: "must be a mapping" });
      else for (const [name, entry] of Object.entries(value)) item.check(entry, join(path, name), problems);
    },
  };
}

/** The same shape for a field that may be left out. */
export function optional<T>(shape: Shape<T>): Shape<T> {
  return { ...shape, optional: true };
}

/** A mapping with these fields and no others. */
export function fields<T extends object>(shapes: { readonly [K in keyof T]-?: Shape<T[K]> }): Shape<T> {
  const known: readonly (readonly [string, Shape<unknown>])[] = Object.entries(shapes);
  return {
    check(value, path, problems) {
      if (!isMapping(value)) {
        problems.push({ path, message: "must be a mapping" });
        return;
      }
      for (const [name, shape] of known) {
        if (Object.hasOwn(value, name)) shape.check(value[name], join(path, name), problems);
        else if (shape.optional !== true) problems.push({ path: join(path, name), message: "is missing" });
      }
      for (const name of Object.keys(value)) {
        if (!Object.hasOwn(shapes, name)) problems.push({ path: join(path, name), message: "is not known" });
      }
    },
  };
}

/** One of several mappings, told apart by the text in one field. */
export function variants<T extends object>(key: string, shapes: Readonly<Record<string, Shape<T>>>): Shape<T> {
  return {
    check(value, path, problems) {
      const name = isMapping(value) ? value[key] : undefined;
      const shape = typeof name === "string" && Object.hasOwn(shapes, name) ? shapes[name] : undefined;
      if (shape !== undefined) shape.check(value, path, problems);
      else problems.push({ path: join(path, key), message: `must be ${Object.keys(shapes).join(" or ")}` });
    },
  };
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
