import { expect, test } from "vitest";
import { KEY_PREFIX } from "../../src/base/key-prefix.ts";
import { ANNOTATIONS, LABELS } from "../../src/executor/pods/labels.ts";
import { readSources } from "../architecture/source-tree.ts";

test("every key has our one prefix, or is one that Kubernetes or Kueue has", () => {
  const keys = [...Object.values(LABELS), ...Object.values(ANNOTATIONS)];
  const others = keys.filter((key) => !key.startsWith(KEY_PREFIX));
  expect(others.every((key) => /^(?:(?:app|batch)\.kubernetes\.io|kueue\.x-k8s\.io)\//.test(key))).toBe(true);
  expect(keys.length - others.length).toBeGreaterThan(15);
});

test("the prefix is written in three places, and nowhere else", () => {
  const literal = new RegExp(`["'\`]${KEY_PREFIX}(?!\\$)`);
  expect(readSources("src").flatMap(({ path, text }) => (literal.test(text) ? [path] : []))).toEqual([
    "src/base/key-prefix.ts",
    "src/executor/pods/labels.ts",
    "src/secrets/providers/kubernetes-reserved.ts",
  ]);
});
