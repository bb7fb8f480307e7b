import { describe, expect, test } from "vitest";
import { merged } from "../../../../src/executor/pods/template/merge.ts";

describe("merged", () => {
  test("lays mappings over each other key by key, and null removes", () => {
    expect(merged({ a: { b: 1, c: 2 }, d: 3 }, { a: { b: 9, c: null }, e: 4 })).toEqual({ a: { b: 9 }, d: 3, e: 4 });
    expect(merged({ a: 1 }, { a: { b: 2 } })).toEqual({ a: { b: 2 } });
    expect(merged({ a: { b: 2 } }, { a: null })).toEqual({});
  });

  test("puts a variable or volume of the same name in the place of the one there was", () => {
    const below = {
      env: [
        { name: "A", value: "1" },
        { name: "B", value: "2" },
      ],
    };
    const above = {
      env: [
        { name: "B", valueFrom: { fieldRef: { fieldPath: "x" } } },
        { name: "C", value: "3" },
      ],
    };
    expect(merged(below, above)).toEqual({ env: [below.env[0], ...above.env] });
  });

  test("merges containers of the same name into each other and adds others", () => {
    const below = { containers: [{ name: "main", image: "a", resources: { limits: { cpu: "1", memory: "1Gi" } } }] };
    const above = { containers: [{ name: "main", resources: { limits: { memory: "2Gi" } } }, { name: "side" }] };
    expect(merged(below, above)).toEqual({
      containers: [{ name: "main", image: "a", resources: { limits: { cpu: "1", memory: "2Gi" } } }, { name: "side" }],
    });
  });

  test("adds tolerations, each once, and replaces every other list", () => {
    const below = { tolerations: [{ key: "a" }], securityContext: { capabilities: { drop: ["ALL"] } } };
    const above = {
      tolerations: [{ key: "a" }, { key: "b" }],
      securityContext: { capabilities: { drop: ["NET_RAW"] } },
    };
    expect(merged(below, above)).toEqual({
      tolerations: [{ key: "a" }, { key: "b" }],
      securityContext: { capabilities: { drop: ["NET_RAW"] } },
    });
  });

  test("leaves both parts as they were", () => {
    const [below, above] = [
      { a: { b: 1 }, env: [{ name: "A" }] },
      { a: { b: 2 }, env: [{ name: "A", value: "x" }] },
    ];
    merged(below, above);
    expect([below, above]).toEqual([
      { a: { b: 1 }, env: [{ name: "A" }] },
      { a: { b: 2 }, env: [{ name: "A", value: "x" }] },
    ]);
  });
});
