import { expect, test } from "vitest";
import type { Warning } from "../../../src/gateway/api/remarks.ts";
import type { PipelineView, ServiceView } from "../../../src/gateway/api/views.ts";
import { eventually } from "../../fakes/eventually.ts";
import { TestGateway } from "../test-gateway.ts";

type Made = { readonly warnings?: readonly Warning[] };
const told = ({ warnings = [] }: Made): string[] => warnings.map(({ code, field }) => `${code} ${field}`);

const service = (gateway: TestGateway, connection: object) =>
  gateway.call<ServiceView>("POST", "/api/v1/services", {
    name: crypto.randomUUID(),
    serviceType: "Mysql",
    connection,
    runnerId: "alpha",
  });

test("a credential in clear is told with the form of a reference, wherever it stands, and is not repeated", async () => {
  const gateway = await TestGateway.start();
  await gateway.runner();
  const connection = {
    username: "shop",
    password: "hunter2",
    authType: { aws_secret_access_key: "hunter2", tokenUrl: "https://x.example/token" },
    list: [{ apiKey: "hunter2" }],
    uri: "mysql://shop:hunter2@db/x",
    plain: "mysql://db/x",
    privateKey: "secret:/shop/key",
    pwd: "",
  };
  const { status, body } = await service(gateway, connection);
  expect(status).toBe(201);
  expect(told(body)).toEqual([
    "PlainCredential connection.password",
    "PlainCredential connection.authType.aws_secret_access_key",
    "PlainCredential connection.list.0.apiKey",
    "PlainCredential connection.uri",
  ]);
  expect(body.warnings?.[0]?.message).toContain('"secret:/');
  expect(JSON.stringify(body.warnings)).not.toContain("hunter2");
  expect((await gateway.ask<Made>("GET", `/api/v1/services/${body.serviceId}`)).warnings).toBeUndefined();
});

test("what looks like a reference and isn't one is told, and one that can't be read is refused by its place", async () => {
  const gateway = await TestGateway.start();
  await gateway.runner();
  const near = { a: " secret:/x", b: "SECRET:/x", c: "prefix secret:/x#user", d: "x://u:secret:/x@h", e: "secret:/x" };
  const { body } = await service(gateway, near);
  expect(told(body)).toEqual(["a", "b", "c", "d"].map((field) => `NotAReference connection.${field}`));
  for (const reference of ["secret:", "secret:/a/../b", "secret:/a ", "secret:/a#"]) {
    const refused = await service(gateway, { deep: [{ password: reference }] });
    expect([refused.status, JSON.parse(JSON.stringify(refused.body)).code], reference).toEqual([400, "BadRequest"]);
    expect(JSON.stringify(refused.body), reference).toContain("connection.deep.0.password: is a reference that");
  }
  const { serviceId } = await gateway.service("other");
  const pipeline = { name: "x", serviceId, pipelineType: "metadata", sourceConfig: { filter: "secret:" } };
  expect((await gateway.call("POST", "/api/v1/pipelines", pipeline)).status).toBe(400);
  const { pipelineId } = await gateway.deployed();
  const run = { sourceConfigOverride: { filter: "secret:/a/../b" } };
  expect((await gateway.call("POST", `/api/v1/pipelines/${pipelineId}/run`, run)).status).toBe(400);
});

test("a runner that nobody knows, or that is retired, is told by all that names it, and is no reason to refuse", async () => {
  const gateway = await TestGateway.start();
  const makeAll = async (): Promise<string[][]> => {
    const { status, body } = await service(gateway, {});
    expect(status).toBe(201);
    const wish = { name: "x", serviceId: body.serviceId, pipelineType: "metadata", sourceConfig: {} };
    const made = await gateway.ask<PipelineView>("POST", "/api/v1/pipelines", wish);
    const path = `/api/v1/pipelines/${made.pipelineId}`;
    const rest: Made[] = [
      await gateway.ask<Made>("PATCH", path, { retries: 0 }),
      await gateway.ask<Made>("POST", `${path}/deploy`),
      await gateway.ask<Made>("POST", `${path}/run`),
      await gateway.ask<Made>("PATCH", `/api/v1/services/${body.serviceId}`, {}),
    ];
    return [body, made, ...rest].map(told);
  };
  const each = (warning: string[]): string[][] => Array.from({ length: 6 }, () => warning);
  expect(await makeAll()).toEqual(each(["UnknownRunner runnerId"]));
  await gateway.runner();
  expect(await makeAll()).toEqual(each([]));
  await gateway.ask("POST", "/api/v1/runners/alpha/retire");
  expect(await makeAll()).toEqual(each(["RetiredRunner runnerId"]));
});

test("a type that OpenMetadata doesn't know is told with the near one, and is no reason to refuse", async () => {
  const gateway = await TestGateway.start();
  await gateway.runner();
  const { serviceId } = await gateway.service();
  for (const [pipelineType, words] of [
    ["metdata", "did you mean metadata?"],
    ["testSuite", "did you mean TestSuite?"],
    ["ownProgram", "OpenMetadata knows metadata, usage,"],
  ]) {
    const wish = { name: `p-${pipelineType}`, serviceId, pipelineType, sourceConfig: {} };
    const made = await gateway.ask<PipelineView>("POST", "/api/v1/pipelines", wish);
    const deployed = await gateway.ask<PipelineView>("POST", `/api/v1/pipelines/${made.pipelineId}/deploy`);
    for (const answer of [made, deployed]) {
      expect(told(answer)).toEqual(["UnknownPipelineType pipelineType"]);
      expect(answer.warnings?.[0]?.message).toContain(words);
    }
  }
});

test("retries are told where the runner's executor doesn't keep them", async () => {
  const gateway = await TestGateway.start();
  await gateway.runner();
  const { pipelineId } = await gateway.pipeline({ retries: 2 });
  const deployed = await gateway.ask<PipelineView>("POST", `/api/v1/pipelines/${pipelineId}/deploy`);
  expect(told(deployed)).toEqual(["RetriesNotKept retries"]);
  const other = await gateway.pipeline({ retries: 0 });
  expect(told(await gateway.ask<PipelineView>("POST", `/api/v1/pipelines/${other.pipelineId}/deploy`))).toEqual([]);
});

test("sourceConfig with config around it is taken as it is meant, in pipelines and in runs", async () => {
  const gateway = await TestGateway.start();
  const runner = await gateway.runner();
  const { serviceId } = await gateway.service();
  const inner = { type: "DatabaseMetadata", schemaFilterPattern: { includes: ["public"] } };
  const made = await gateway.ask<PipelineView>("POST", "/api/v1/pipelines", {
    name: "metadata",
    serviceId,
    pipelineType: "metadata",
    sourceConfig: { config: inner },
  });
  expect([made.sourceConfig, told(made)]).toEqual([inner, ["ConfigUnwrapped sourceConfig"]]);
  await gateway.ask("POST", `/api/v1/pipelines/${made.pipelineId}/deploy`);
  await eventually(() => {
    const { config } = runner.newest("pipeline.deploy").body.pipeline;
    expect(config["source"]).toMatchObject({ sourceConfig: { config: inner } });
  });
  const body = { sourceConfigOverride: { config: { type: "Other" } } };
  const ordered = await gateway.ask<Made>("POST", `/api/v1/pipelines/${made.pipelineId}/run`, body);
  expect(told(ordered)).toEqual(["ConfigUnwrapped sourceConfigOverride"]);
  await eventually(() => expect(runner.newest("run.start").body.sourceConfigOverride).toEqual({ type: "Other" }));
});
