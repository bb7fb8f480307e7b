import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { Job } from "../../../../src/kubernetes/objects.ts";
import { goldenCases } from "./golden-cases.ts";
import { EXTRA_VALUE, TOKEN } from "./samples.ts";

/*
 * What the runner writes to a cluster, as files to read. After a wanted change: `npx vitest run test/executor/jobs/manifests -u`,
 * and read the difference.
 */
const FOLDER = join(import.meta.dirname, "golden");
const cases = Object.entries(goldenCases());

test.each(cases)("manifests of %s are those of the golden file", async (name, objects) => {
  // Nothing that is dropped on the way to the server may be in them.
  expect(JSON.parse(JSON.stringify(objects))).toEqual(objects);
  const text = objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join("---\n");
  await expect(text).toMatchFileSnapshot(join(FOLDER, `${name}.yaml`));
});

test("there is no golden file without a case", async () => {
  expect((await readdir(FOLDER)).sort()).toEqual(cases.map(([name]) => `${name}.yaml`).sort());
});

describe("in every case", () => {
  test.each(cases)("of %s only the configuration object holds configuration and extra variables", (_name, objects) => {
    const others = objects.filter(({ kind, metadata }) => kind !== "Secret" && !isConfigMapOfRun(kind, metadata.name));
    expect(others.length).toBeGreaterThan(0);
    for (const needle of [TOKEN, EXTRA_VALUE, "secret:/shop", "om.example.com"])
      expect(JSON.stringify(others)).not.toContain(needle);
  });

  test.each(cases)("of %s nothing that is the runner's own was replaced", (_name, objects) => {
    expect(JSON.stringify(objects)).not.toContain("never-this");
  });
});

test("a retry has nothing of what the server wrote on the attempt before", () => {
  for (const name of ["retry-of-run", "retry-of-scheduled-run"]) {
    const [job] = goldenCases()[name] as readonly [Job];
    const text = JSON.stringify(job);
    for (const left of [
      'controller-uid":',
      "job-name",
      "selector",
      "manualSelector",
      "ownerReferences",
      "resourceVersion",
      "ttl",
    ])
      expect(text).not.toContain(left);
    expect(job.metadata.labels).toMatchObject({ "hybrid-runner/attempt": "2" });
    expect(job.spec.template.metadata?.labels).toMatchObject({ "hybrid-runner/attempt": "2" });
  }
});

function isConfigMapOfRun(kind: string, name: string): boolean {
  return kind === "ConfigMap" && !name.startsWith("hr-anchor-");
}
