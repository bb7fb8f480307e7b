import { expect, test } from "vitest";
import type { PipelineBody } from "../../src/protocol/messages.ts";
import { specOf } from "../../src/runs/run-spec.ts";

const pipeline: PipelineBody = {
  pipelineId: crypto.randomUUID(),
  generation: 1,
  hash: "h",
  name: "p",
  fullyQualifiedName: "s.p",
  pipelineType: "metadata",
  enabled: true,
  timeoutSeconds: 60,
  config: {
    source: { type: "sqlite", sourceConfig: { config: { markDeleted: true, filter: { includes: ["a"] } } } },
    sink: {},
  },
};
const order = {
  operationId: crypto.randomUUID(),
  runId: crypto.randomUUID(),
  pipelineId: pipeline.pipelineId,
  generation: 1,
  attempt: 2,
  startBefore: 0,
};

test("specOf hands over the pipeline's configuration as it is", () => {
  expect(specOf(pipeline, order, 77)).toMatchObject({
    runId: order.runId,
    attempt: 2,
    startBefore: 77,
    timeoutSeconds: 60,
    config: pipeline.config,
  });
});

test("a source override replaces top-level keys and leaves the others and the pipeline alone", () => {
  const before = JSON.stringify(pipeline);
  const spec = specOf(pipeline, { ...order, sourceConfigOverride: { filter: { excludes: ["b"] } } }, 0);
  expect(spec.config).toEqual({
    source: { type: "sqlite", sourceConfig: { config: { markDeleted: true, filter: { excludes: ["b"] } } } },
    sink: {},
  });
  expect(JSON.stringify(pipeline)).toBe(before);
});

test("an application override replaces appConfig", () => {
  expect(specOf(pipeline, { ...order, appConfigOverride: { type: "x" } }, 0).config["appConfig"]).toEqual({
    type: "x",
  });
});
