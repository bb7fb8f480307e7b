import { expect, test } from "vitest";
import type { ServiceView } from "../../../src/gateway/api/views.ts";
import { TestGateway } from "../test-gateway.ts";

test("services are created, listed, read and deleted", async () => {
  const gateway = await TestGateway.start();
  const created = await gateway.service("shop");
  expect(created).toMatchObject({
    name: "shop",
    serviceType: "Mysql",
    connection: { config: "secret:/shop/connection" },
  });
  expect(await gateway.ask("GET", "/api/v1/services")).toEqual({ services: [created] });
  expect(await gateway.ask("GET", `/api/v1/services/${created.serviceId}`)).toEqual(created);
  expect(await gateway.ask("DELETE", `/api/v1/services/${created.serviceId}`)).toEqual(created);
  expect(await gateway.ask("GET", "/api/v1/services")).toEqual({ services: [] });
  const again = await gateway.call("DELETE", `/api/v1/services/${created.serviceId}`);
  expect([again.status, again.body.code]).toEqual([404, "NotFound"]);
});

test("services are listed by name, by pages and by runner", async () => {
  const gateway = await TestGateway.start();
  for (const [name, runnerId] of [
    ["c", "alpha"],
    ["a", "beta"],
    ["b", "alpha"],
  ])
    await gateway.service(name, { runnerId });
  const list = async (query: string): Promise<{ names: string[]; nextAfter?: string }> => {
    const { services, ...rest } = await gateway.ask<{ services: ServiceView[] }>("GET", `/api/v1/services${query}`);
    return { names: services.map(({ name }) => name), ...rest };
  };
  expect(await list("?limit=2")).toEqual({ names: ["a", "b"], nextAfter: "b" });
  expect(await list("?limit=2&after=b")).toEqual({ names: ["c"] });
  expect((await list("?runnerId=alpha")).names).toEqual(["b", "c"]);
});

test("services have names of their own", async () => {
  const gateway = await TestGateway.start();
  await gateway.service("shop");
  const second = await gateway.call("POST", "/api/v1/services", {
    name: "shop",
    serviceType: "Mysql",
    connection: {},
    runnerId: "beta",
  });
  expect([second.status, second.body.code]).toEqual([409, "NameTaken"]);
  expect(second.body.advice).not.toBe("");
  expect((await gateway.ask<{ services: ServiceView[] }>("GET", "/api/v1/services")).services).toHaveLength(1);
});

test("services with pipelines are not deleted", async () => {
  const gateway = await TestGateway.start();
  const { serviceId, pipelineId } = await gateway.pipeline();
  const refused = await gateway.call("DELETE", `/api/v1/services/${serviceId}`);
  expect([refused.status, refused.body.code]).toEqual([409, "ServiceInUse"]);
  await gateway.ask("DELETE", `/api/v1/pipelines/${pipelineId}`);
  expect((await gateway.call("DELETE", `/api/v1/services/${serviceId}`)).status).toBe(200);
});

test("services refuse bad bodies, name every field and repeat no value", async () => {
  const gateway = await TestGateway.start();
  const good = { name: "shop", serviceType: "Mysql", connection: {}, runnerId: "alpha" };
  const cases: readonly [unknown, readonly string[]][] = [
    ["{ not json", ["not JSON"]],
    [`{"connection":${"[".repeat(50_000)}${"]".repeat(50_000)}}`, ["nested more than"]],
    ["", ["name", "serviceType", "connection", "runnerId"]],
    ["[]", ["(top)"]],
    ["null", ["(top)"]],
    [{ ...good, pasword: "hunter22" }, ["pasword"]],
    [{ ...good, name: "a.b" }, ["name: must be"]],
    [{ ...good, name: " shop" }, ["name: must be"]],
    [{ ...good, name: "x".repeat(129) }, ["name: must be"]],
    [{ ...good, connection: "hunter22" }, ["connection"]],
    [{ ...good, runnerId: "../alpha", serviceType: "My SQL" }, ["runnerId", "serviceType"]],
  ];
  for (const [body, words] of cases) {
    const answer = await gateway.call("POST", "/api/v1/services", body);
    expect([answer.status, answer.body.code], JSON.stringify(body)).toEqual([400, "BadRequest"]);
    for (const word of words) expect(answer.body.message).toContain(word);
    expect(JSON.stringify(answer.body)).not.toContain("hunter22");
  }
  expect(await gateway.ask("GET", "/api/v1/services")).toEqual({ services: [] });
});

test("services refuse a body of more than one megabyte, with and without a stated length", async () => {
  const gateway = await TestGateway.start();
  const text = JSON.stringify({ name: "shop", filler: "x".repeat(1_100_000) });
  const answer = await gateway.call("POST", "/api/v1/services", text);
  expect([answer.status, answer.body.code]).toEqual([413, "BodyTooLarge"]);
  const streamed = await fetch(`${gateway.url}/api/v1/services`, {
    method: "POST",
    headers: { authorization: `Bearer ${gateway.adminToken}` },
    body: new Blob([text]).stream(),
    duplex: "half",
  } as RequestInit);
  expect(streamed.status).toBe(413);
  expect(await gateway.ask("GET", "/api/v1/services")).toEqual({ services: [] });
});

test("services keep numbers as they were sent, refuse half characters, and take a number elsewhere for its value", async () => {
  const gateway = await TestGateway.start();
  const send = (connection: string) =>
    gateway.call(
      "POST",
      "/api/v1/services",
      `{"name":"s${crypto.randomUUID()}","serviceType":"Mysql","runnerId":"alpha","connection":${connection}}`,
    );
  const halves = await send('{"user":"\\ud83d"}');
  expect([halves.status, halves.body.message]).toEqual([400, expect.stringContaining("not well-formed Unicode")]);
  expect((await send("1.0")).status).toBe(400);
  expect((await send('{"id":12345678901234567890,"e":1e400,"one":1.0,"__proto__":{"n":-0}}')).status).toBe(201);
  const read = await fetch(`${gateway.url}/api/v1/services`, {
    headers: { authorization: `Bearer ${gateway.adminToken}` },
  });
  expect(await read.text()).toContain('"connection":{"id":12345678901234567890,"e":1e400,"one":1.0}');
  const { serviceId } = await gateway.service();
  const pipeline = `{"name":"p","serviceId":"${serviceId}","pipelineType":"metadata","sourceConfig":{},"timeoutSeconds":6.0e1}`;
  expect((await gateway.call("POST", "/api/v1/pipelines", pipeline)).body).toMatchObject({ timeoutSeconds: 60 });
});
