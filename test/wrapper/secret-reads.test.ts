import { expect, test } from "vitest";
import { Sensitive } from "../../src/base/sensitive.ts";
import type { SecretProvider } from "../../src/secrets/provider.ts";
import { readFailed } from "../../src/secrets/provider-errors.ts";
import { createResolver } from "../../src/secrets/resolver.ts";
import { countReads } from "../../src/wrapper/secret-reads.ts";
import { FakeClock } from "../fakes/clock.ts";

const never = new AbortController().signal;

/** A store whose secrets are named for what it answers. */
const store: SecretProvider = {
  name: "memory",
  async read(name, _signal) {
    switch (name.replace(/^\//, "")) {
      case "found":
        return new Sensitive("a value");
      case "denied":
        throw readFailed("SecretDenied", name, "memory", "says the store");
      case "throttled":
        throw readFailed("SecretThrottled", name, "memory", "says the store");
      case "malformed":
        throw readFailed("SecretMalformed", name, "memory", "says the store");
      case "broken":
        throw new TypeError("a mistake of the provider");
      case "silent":
        return new Promise(() => undefined);
      default:
        throw readFailed("SecretNotFound", name, "memory", "says the store");
    }
  },
  check: async () => undefined,
  dispose: async () => undefined,
};

test("countReads counts each read by its result, under the provider's name", async () => {
  const { provider, reads } = countReads(store);
  expect(reads()).toEqual({});
  for (const name of ["found", "found", "denied", "throttled", "malformed", "broken", "nothing"]) {
    await provider.read(name, never).catch(() => undefined);
  }
  expect(reads()).toEqual({
    memory: { found: 2, denied: 1, throttled: 1, malformed: 1, unreachable: 1, notFound: 1 },
  });
});

test("countReads counts nothing that the resolver answers from memory", async () => {
  const { provider, reads } = countReads(store);
  const resolver = createResolver({ provider, clock: new FakeClock() });
  await resolver.resolveTree({ one: "secret:/found", two: ["secret:/found"] }, never);
  await resolver.resolve("secret:/found", never);
  expect(reads()).toEqual({ memory: { found: 1 } });
});

test("countReads counts a store that never answers, and not a read that nobody waits for any more", async () => {
  const clock = new FakeClock();
  const { provider, reads } = countReads(store);
  const resolver = createResolver({ provider, clock, limitMs: 1000 });
  const late = resolver.resolve("secret:/silent", never).catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await clock.advance(1001);
  expect(await late).toMatchObject({ code: "SecretUnreachable" });
  expect(reads()).toEqual({ memory: { unreachable: 1 } });
  const stop = new AbortController();
  const stopped = resolver.resolve("secret:/silent", stop.signal).catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort(new Error("stopped"));
  expect(await stopped).toMatchObject({ message: "stopped" });
  expect(reads()).toEqual({ memory: { unreachable: 1 } });
});
