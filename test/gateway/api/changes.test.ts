import { describe, expect, it, test } from "vitest";
import { mergePatch } from "../../../src/gateway/api/merge-patch.ts";
import type { PipelineView, ServiceView } from "../../../src/gateway/api/views.ts";
import type { Json } from "../../../src/protocol/messages.ts";
import { eventually } from "../../fakes/eventually.ts";
import { TestGateway } from "../test-gateway.ts";

describe("mergePatch", () => {
  // The test cases of RFC 7396, appendix A.
  it.each([
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', "{}"],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', "null", "null"],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
    ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
    ["{}", '{"__proto__":{"x":1}}', '{"__proto__":{"x":1}}'],
  ])("%s with %s is %s", (target, patch, result) => {
    const merged = mergePatch(JSON.parse(target) as Json, JSON.parse(patch) as Json);
    expect(JSON.stringify(merged)).toBe(result);
    expect(Object.hasOwn({}, "x")).toBe(false);
  });
});

const send = (gateway: TestGateway, path: string, patch: object, ifMatch?: string) =>
  fetch(`${gateway.url}${path}`, {
    method: "PATCH",
    headers: {
      authorization: `Bearer ${gateway.adminToken}`,
      "content-type": "application/merge-patch+json",
      ...(ifMatch === undefined ? {} : { "if-match": ifMatch }),
    },
    body: JSON.stringify(patch),
  });

test("a deployed pipeline is changed by a merge patch, as a new generation that its runner gets", async () => {
  const gateway = await TestGateway.start(["--server-api-url", "http://om.example/api"]);
  const runner = await gateway.runner();
  const { pipelineId, generation } = await gateway.deployed({
    schedule: { cron: "0 3 * * *" },
    timeoutSeconds: 60,
    botToken: "bot-one",
  });
  const patch = {
    sourceConfig: { includeViews: true },
    schedule: { timeZone: "Europe/Berlin" },
    timeoutSeconds: null,
    botToken: "bot-two",
  };
  const answer = await gateway.call<PipelineView>("PATCH", `/api/v1/pipelines/${pipelineId}`, patch);
  const changed = answer.body;
  expect([answer.status, answer.headers.get("etag")]).toEqual([200, `"${generation + 1}"`]);
  expect(changed).toMatchObject({
    generation: generation + 1,
    deployed: true,
    sourceConfig: { type: "DatabaseMetadata", includeViews: true },
    schedule: { cron: "0 3 * * *", timeZone: "Europe/Berlin" },
  });
  expect(changed.timeoutSeconds).toBeUndefined();
  expect(await gateway.ask("GET", `/api/v1/pipelines/${pipelineId}`)).toEqual(changed);
  await eventually(() => {
    const { pipeline } = runner.newest("pipeline.deploy").body;
    expect([pipeline.generation, pipeline.hash]).toEqual([generation + 1, changed.hash]);
    expect(pipeline.timeoutSeconds).toBeUndefined();
    expect(JSON.stringify(pipeline.config)).toContain('"jwtToken":"bot-two"');
    expect(pipeline.config["source"]).toMatchObject({ sourceConfig: { config: changed.sourceConfig } });
  });
  expect(JSON.stringify(changed)).not.toContain("bot-two");
});

test("a pipeline that isn't deployed is changed without being sent, and what its change may not be is refused by its place", async () => {
  const gateway = await TestGateway.start();
  const { pipelineId } = await gateway.pipeline();
  const path = `/api/v1/pipelines/${pipelineId}`;
  expect(await gateway.ask("PATCH", path, { retries: 2 })).toMatchObject({ retries: 2, deployed: false, hash: "" });
  for (const [patch, place] of [
    [{ name: "other" }, "name"],
    [{ schedule: { cron: "nonsense" } }, "schedule.cron"],
    [{ schedule: { timeZone: "UTC" } }, "schedule.cron"],
    [{ retries: -1 }, "retries"],
    [{ sourceConfig: { a: "secret:" } }, "sourceConfig.a"],
    [{ sourceConfig: null }, "sourceConfig"],
  ] as const) {
    const { status, body } = await gateway.call("PATCH", path, patch);
    expect([status, body.code], place).toEqual([400, "BadRequest"]);
    expect(body.message).toContain(place);
  }
  const wrapped = await gateway.ask<PipelineView>("PATCH", path, { sourceConfig: { config: { includeViews: true } } });
  expect(wrapped.sourceConfig).toEqual({ type: "DatabaseMetadata", includeViews: true });
});

test("If-Match lets a change through only on the version it was made of, for pipelines and services", async () => {
  const gateway = await TestGateway.start();
  const { pipelineId, serviceId } = await gateway.pipeline();
  for (const [path, one, two] of [
    [`/api/v1/pipelines/${pipelineId}`, { retries: 1 }, { retries: 2 }],
    [`/api/v1/services/${serviceId}`, { connection: { host: "a" } }, { connection: { host: "b" } }],
  ] as const) {
    const { headers } = await gateway.call("GET", path);
    const tag = headers.get("etag") ?? "";
    expect(tag).toMatch(/^"\w+"$/);
    const first = await send(gateway, path, one, tag);
    expect(first.status).toBe(200);
    const stale = await send(gateway, path, two, tag);
    expect([stale.status, ((await stale.json()) as { code: string }).code]).toEqual([412, "PreconditionFailed"]);
    expect((await send(gateway, path, two, first.headers.get("etag") ?? "")).status).toBe(200);
    expect((await send(gateway, path, one, "*")).status).toBe(200);
    expect((await send(gateway, path, two)).status).toBe(200);
  }
});

test("a changed service redeploys its deployed pipelines, and no others", async () => {
  const gateway = await TestGateway.start();
  const runner = await gateway.runner();
  const deployed = await gateway.deployed();
  const other = await gateway.deployed();
  const draft = await gateway.ask<PipelineView>("POST", "/api/v1/pipelines", {
    name: "draft",
    serviceId: deployed.serviceId,
    pipelineType: "metadata",
    sourceConfig: {},
  });
  const patch = { connection: { config: null, host: "db2", password: "secret:/shop/password" } };
  const service = await gateway.ask<ServiceView>("PATCH", `/api/v1/services/${deployed.serviceId}`, patch);
  expect(service.connection).toEqual({ host: "db2", password: "secret:/shop/password" });
  const generationOf = async (id: string) =>
    (await gateway.ask<PipelineView>("GET", `/api/v1/pipelines/${id}`)).generation;
  expect(await generationOf(deployed.pipelineId)).toBe(deployed.generation + 1);
  expect(await generationOf(other.pipelineId)).toBe(other.generation);
  expect(await generationOf(draft.pipelineId)).toBe(draft.generation);
  await eventually(() => {
    const { pipeline } = runner.newest("pipeline.deploy").body;
    expect(pipeline.pipelineId).toBe(deployed.pipelineId);
    expect(pipeline.config["source"]).toMatchObject({ serviceConnection: { config: { host: "db2" } } });
  });
  const gone = await gateway.call("PATCH", `/api/v1/services/${crypto.randomUUID()}`, patch);
  expect(gone.status).toBe(404);
  expect((await gateway.call("PATCH", `/api/v1/services/${deployed.serviceId}`, { name: "x" })).status).toBe(400);
});

test("what changes nothing makes no new generation and no new ETag, of pipelines and of services", async () => {
  const gateway = await TestGateway.start(["--server-api-url", "http://om.example/api"]);
  const fields = {
    sourceConfig: { type: "DatabaseMetadata", depth: { a: 1, b: [1.0] } },
    schedule: { cron: "0 3 * * *", timeZone: "UTC" },
    retries: 1,
    botToken: "bot-one",
  };
  const deployed = await gateway.deployed(fields);
  const draft = await gateway.pipeline({ sourceConfig: fields.sourceConfig });
  for (const [pipeline, patches] of [
    [deployed, [{}, fields, { botToken: "bot-one" }, { sink: null }, { sourceConfig: { depth: { b: [1.0], a: 1 } } }]],
    [draft, [{}, { sourceConfig: fields.sourceConfig }, { schedule: null, botToken: null }]],
  ] as const) {
    const path = `/api/v1/pipelines/${pipeline.pipelineId}`;
    const before = await gateway.call<PipelineView>("GET", path);
    for (const patch of patches) {
      const same = await gateway.call<PipelineView>("PATCH", path, patch);
      const told = [same.status, same.headers.get("etag"), same.body.generation, same.body.updatedAt, same.body.hash];
      const { generation, updatedAt, hash } = before.body;
      expect(told, JSON.stringify(patch)).toEqual([200, before.headers.get("etag"), generation, updatedAt, hash]);
    }
    expect((await gateway.ask<PipelineView>("POST", `${path}/toggle`, { enabled: true })).generation).toBe(
      before.body.generation,
    );
    const other = await gateway.ask<PipelineView>("PATCH", path, { botToken: "bot-two" });
    expect(other.generation).toBe(before.body.generation + 1);
  }
  const path = `/api/v1/services/${deployed.serviceId}`;
  const { headers, body } = await gateway.call<ServiceView>("GET", path);
  const { generation } = await gateway.ask<PipelineView>("GET", `/api/v1/pipelines/${deployed.pipelineId}`);
  for (const patch of [{}, { serviceType: body.serviceType, connection: body.connection }]) {
    const same = await gateway.call("PATCH", path, patch);
    expect([same.status, same.headers.get("etag")]).toEqual([200, headers.get("etag")]);
  }
  const after = await gateway.ask<PipelineView>("GET", `/api/v1/pipelines/${deployed.pipelineId}`);
  expect(after.generation).toBe(generation);
});

test("every field that a pipeline or service has and a change can't have is refused by its name, with what to do instead", async () => {
  const gateway = await TestGateway.start();
  const pipeline = await gateway.deployed({ schedule: { cron: "@daily" }, retries: 1 });
  const service = await gateway.ask<ServiceView>("GET", `/api/v1/services/${pipeline.serviceId}`);
  let fixed = 0;
  for (const [path, view] of [
    [`/api/v1/pipelines/${pipeline.pipelineId}`, { ...pipeline, deletedAt: pipeline.createdAt, warnings: [] }],
    [`/api/v1/services/${service.serviceId}`, { ...service, warnings: [] }],
  ] as const) {
    for (const [field, value] of Object.entries(view)) {
      const { status, body } = await gateway.call("PATCH", path, { [field]: value });
      if (status === 200) continue;
      fixed++;
      expect([status, body.code], field).toEqual([400, "BadRequest"]);
      expect(body.message, field).toMatch(new RegExp(`\\b${field} can't be changed: .*(leave it out|ask \\w+ /api)`));
    }
    const both = await gateway.call("PATCH", path, { name: "other", nmae: "x" });
    expect(both.body.message).toMatch(/name can't be changed: .*; has fields that are not known here: nmae$/);
  }
  expect(fixed).toBe(14 + 5);
});
