import { expect, test } from "vitest";
import type { PipelineView } from "../../../src/gateway/api/views.ts";
import { eventually } from "../../fakes/eventually.ts";
import { TestGateway } from "../test-gateway.ts";

const find = (gateway: TestGateway, { pipelineId }: PipelineView): Promise<PipelineView> =>
  gateway.ask("GET", `/api/v1/pipelines/${pipelineId}`);

test("a gateway that starts with another server address makes new generations of what it concerns, and nothing else", async () => {
  const first = await TestGateway.start(["--server-api-url", "http://old.example/api"]);
  const concerned = await first.deployed({ botToken: "bot-token" });
  const bystander = await first.deployed();
  const undeployed = await first.pipeline({ botToken: "bot-token" });
  await first.gateway.close();

  const second = await TestGateway.start(["--server-api-url", "http://new.example/api"], first.directory);
  expect((await find(second, concerned)).generation).toBe(concerned.generation + 1);
  expect(await find(second, bystander)).toEqual(bystander);
  expect(await find(second, undeployed)).toEqual(undeployed);
  const runner = await second.runner();
  await eventually(() => {
    const sent = runner.frames.flatMap((frame) => (frame.type === "pipeline.deploy" ? [frame.body.pipeline] : []));
    const pipeline = sent.find(({ pipelineId }) => pipelineId === concerned.pipelineId) ?? expect.fail("not sent yet");
    expect(JSON.stringify(pipeline.config)).toContain("http://new.example/api");
    expect([pipeline.generation, pipeline.hash.length]).toEqual([concerned.generation + 1, 64]);
  });
  await second.gateway.close();

  const third = await TestGateway.start(["--server-api-url", "http://new.example/api"], first.directory);
  expect((await find(third, concerned)).generation).toBe(concerned.generation + 1);
});
