import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { openProvider } from "../../src/secrets/catalogue.ts";
import { createResolver } from "../../src/secrets/resolver.ts";

test("a store that is not in this version leaves configurations without references alone, and fails others by its name", async () => {
  const provider = await openProvider({ provider: "absent", store: "gcp" }, {});
  const resolver = createResolver({ provider, clock: systemClock });
  const { signal } = new AbortController();
  expect((await resolver.resolveTree({ password: "plain" }, signal)).value).toEqual({ password: "plain" });
  await expect(resolver.resolveTree({ password: "secret:/a/b" }, signal)).rejects.toMatchObject({
    code: "SecretUnresolved",
    message: expect.stringContaining("gcp"),
  });
  await expect(resolver.resolve("secret:/a/b", signal)).rejects.toThrow("this version can't read that store");
  await provider.dispose();
});
