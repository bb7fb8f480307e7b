import { expect, test } from "vitest";
import { instant } from "../../src/base/instants.ts";

test.each([
  [0, "1970-01-01T00:00:00.000Z"],
  [1_795_910_400_123, "2026-11-29T00:00:00.123Z"],
  [-1, "1970-01-01T00:00:00.000Z"],
  [Number.MAX_SAFE_INTEGER, "9999-12-31T23:59:59.999Z"],
  [Number.POSITIVE_INFINITY, "9999-12-31T23:59:59.999Z"],
])("instant writes every time, whatever a store holds: %d", (time, text) => expect(instant(time)).toBe(text));
