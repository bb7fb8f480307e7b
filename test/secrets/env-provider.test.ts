import { expect, test } from "vitest";
import { SECRET_ERRORS } from "../../src/secrets/errors.ts";
import { openEnvProvider, variableOf } from "../../src/secrets/providers/env.ts";
import { describeProviderContract, failure } from "./provider.contract.ts";

const signal = AbortSignal.timeout(60_000);

describeProviderContract("env provider", async () => {
  const environment: Record<string, string> = {};
  return {
    provider: await openEnvProvider({ provider: "env" }, environment),
    put: async (name, value) => {
      environment[variableOf(name)] = new TextDecoder().decode(value);
    },
    deny: { never: "an environment refuses nothing" },
    breakStore: { never: "an environment is always there" },
    delay: { never: "an environment answers at once" },
    binary: true,
    close: async () => undefined,
  };
});

test("variableOf writes names in upper case with underscores", () => {
  expect(variableOf("/demo/shop/connection")).toBe("HYBRID_RUNNER_SECRET_DEMO_SHOP_CONNECTION");
  expect(variableOf("demo/shop/connection")).toBe("HYBRID_RUNNER_SECRET_DEMO_SHOP_CONNECTION");
  expect(variableOf("my-db.pass word", "S_")).toBe("S_MY_DB_PASS_WORD");
  expect(variableOf("/ключ", "S_")).toBe("S_____");
});

test("env provider names the missing variable", async () => {
  const provider = await openEnvProvider({ provider: "env", prefix: "MY_" }, { MY_OTHER: "x" });
  const error = await failure(provider.read("/a/b", signal));
  expect(error.code).toBe(SECRET_ERRORS.SecretNotFound.code);
  expect(error.message).toContain("MY_A_B");
});

test("env provider doesn't find what objects inherit", async () => {
  const provider = await openEnvProvider({ provider: "env", prefix: "" }, {});
  await expect(provider.read("constructor", signal)).rejects.toThrow("is not set");
});
