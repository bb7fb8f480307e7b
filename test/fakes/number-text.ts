import fc from "fast-check";

const digits = (most: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${most}}$`));
const whole = fc.oneof(fc.constant("0"), fc.stringMatching(/^[1-9][0-9]{0,30}$/));
const exponent = fc
  .tuple(fc.constantFrom("e", "E"), fc.constantFrom("", "+", "-"), digits(3))
  .map((parts) => parts.join(""));

/** Any spelling of a number that JSON allows. */
export const numberText: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom("", "-"),
    whole,
    fc.option(
      digits(25).map((fraction) => `.${fraction}`),
      { nil: "" },
    ),
    fc.option(exponent, { nil: "" }),
  )
  .map((parts) => parts.join(""));
