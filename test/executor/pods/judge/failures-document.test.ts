import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FAILURE_CATEGORIES } from "../../../../src/protocol/failure-category.ts";

const text = readFileSync(join(import.meta.dirname, "../../../../docs/kubernetes-failures.md"), "utf8");

test("docs/kubernetes-failures.md has a part for every category that a run in a cluster can have", () => {
  const parts = [...text.matchAll(/^### `(\w+)`$/gm)].map(([, category]) => category);
  const wanted = Object.keys(FAILURE_CATEGORIES).filter((category) => category !== "PolicyDenied");
  expect(parts.sort()).toEqual(wanted.sort());
});

test.each([
  "ErrImagePull",
  "ImagePullBackOff",
  "FailedMount",
  "FailedCreatePodSandBox",
  "CreateContainerConfigError",
  "exceeded quota",
  "violates PodSecurity",
  "executable file not found",
  "runAsNonRoot",
  "DeletionByTaintManager",
])("docs/kubernetes-failures.md is found by %s", (words) => {
  expect(text).toContain(words);
});
