import { expect, test } from "vitest";
import { CodedError } from "../../../src/base/errors.ts";
import { FailureLimit } from "../../../src/gateway/auth/failure-limit.ts";
import { FakeClock } from "../../fakes/clock.ts";

const limits = { burst: 3, forgetMs: 10_000, maxAddresses: 2 };

/** Seconds to wait, or undefined when the address may try. */
function wait(limit: FailureLimit, address: string): unknown {
  try {
    limit.check(address);
    return undefined;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    expect(error.code).toBe("TooManyFailures");
    return error.facts["retryAfterSeconds"];
  }
}

test("FailureLimit blocks an address after its free failures and forgets them one by one", async () => {
  const clock = new FakeClock();
  const limit = new FailureLimit(clock, limits);
  for (let failures = 0; failures < 3; failures++) {
    expect(wait(limit, "a")).toBeUndefined();
    limit.note("a");
  }
  expect(wait(limit, "a")).toBe(10);
  expect(wait(limit, "b")).toBeUndefined();
  await clock.advance(9_000);
  expect(wait(limit, "a")).toBe(1);
  await clock.advance(1_000);
  expect(wait(limit, "a")).toBeUndefined();
  limit.note("a");
  expect(wait(limit, "a")).toBe(10);
});

test("FailureLimit never makes an address wait longer than its limits say, however often it fails", () => {
  const limit = new FailureLimit(new FakeClock(), limits);
  for (let failures = 0; failures < 1000; failures++) limit.note("a");
  expect(wait(limit, "a")).toBe(10);
});

test("FailureLimit remembers so many addresses and forgets the stalest", () => {
  const limit = new FailureLimit(new FakeClock(), limits);
  for (const address of ["a", "b", "a"]) for (let failures = 0; failures < 3; failures++) limit.note(address);
  limit.note("c");
  expect(wait(limit, "b")).toBeUndefined();
  expect(wait(limit, "a")).toBe(10);
});
