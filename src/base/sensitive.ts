const MASK = "[redacted]";

/**
 * A value that must not be printed. Turned into text or JSON it reads `[redacted]`, and the private field keeps it from a console's inspection;
 * only `reveal` gives it out, so every place that uses the value can be found by that name.
 */
export class Sensitive<T = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }
}
