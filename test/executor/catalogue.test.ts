import { expect, test } from "vitest";
import { EXECUTOR_KINDS, openExecutor, parseExecutorKind } from "../../src/executor/catalogue.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { optionsFor } from "./process/process-options.ts";

test("an unknown executor is refused with the known ones", () => {
  expect(EXECUTOR_KINDS.map(parseExecutorKind)).toEqual(EXECUTOR_KINDS);
  expect(() => parseExecutorKind("docker")).toThrow('Cannot use executor "docker": known are process, simpleK8s, argo');
});

test("an executor is opened by its kind", async () => {
  const executor = await openExecutor("process", optionsFor(await temporaryDirectory()));
  expect(executor.kind).toBe("process");
  await executor.close();
});
