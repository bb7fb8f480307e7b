import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { createApi } from "../../../src/gateway/api/api.ts";
import { API_ROUTES } from "../../../src/gateway/api/catalogue.ts";
import type { ApiDependencies } from "../../../src/gateway/api/dependencies.ts";
import { ERROR_STATUS } from "../../../src/gateway/api/error-response.ts";
import { API_ERRORS } from "../../../src/gateway/api/errors.ts";
import { errorsOfRoute } from "../../../src/gateway/api/errors-of-route.ts";
import { TestGateway } from "../test-gateway.ts";
import { ROUTES, routeOf } from "./described-answers.ts";

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: object;
  readonly security?: readonly object[];
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const text = readFileSync(join(import.meta.dirname, "../../../docs/openapi.json"), "utf8");
const document = JSON.parse(text) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);

test("openapi.json is what OpenAPI 3.1 allows, by a validator that isn't ours", async () => {
  const validator = new Validator();
  expect(await validator.validate(JSON.parse(text))).toMatchObject({ valid: true });
  expect(validator.version).toBe("3.1");
  const { paths: _, ...wrong } = structuredClone(document) as unknown as Record<string, unknown>;
  expect(await new Validator().validate({ ...wrong, path: {} })).toMatchObject({ valid: false });
});

test("openapi.json has every route that the gateway serves, and no other", () => {
  const app = createApi({ store: {}, clock: systemClock, log: silentLog } as unknown as ApiDependencies);
  const served = app.routes
    // The guard before the routes, and behind them what refuses their other methods.
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path.replace(/:\w+/, "{}")}`);
  const described = operations.map(({ method, path }) => `${method} ${path.replace(/\{\w+\}/, "{}")}`);
  expect(described.length).toBeGreaterThan(20);
  expect(served.sort()).toEqual(described.sort());
});

test("openapi.json is served as it is in the documents, to administrators only", async () => {
  const gateway = await TestGateway.start();
  expect(await gateway.ask("GET", "/api/v1/openapi.json")).toEqual(document);
  expect((await fetch(`${gateway.url}/api/v1/openapi.json`)).status).toBe(401);
});

test("openapi.json names each operation once, with a line of summary and its path's parameter", () => {
  const names = operations.map(({ operation }) => operation.operationId);
  expect(names.sort()).toEqual(Object.keys(API_ROUTES).sort());
  for (const { path, operation } of operations) {
    expect(operation.summary, path).toMatch(/^[A-Z].*[^.]$/);
    const declared = operation.parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name);
    expect(declared, path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
  }
});

test("openapi.json points to nothing that it doesn't have, and has nothing that isn't pointed to", () => {
  const targets = new Set([...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name));
  expect([...targets].sort()).toEqual(Object.keys(document.components.schemas).sort());
  expect(text).not.toContain("#/$defs");
});

test("openapi.json asks for the admin token everywhere but for health", () => {
  const open = operations.filter(({ operation }) => operation.security?.length === 0);
  expect(open.map(({ path }) => path)).toEqual(["/healthz"]);
});

test("routes tell every error with its status", () => {
  for (const [name, route] of ROUTES) {
    const { method, path } = route;
    const told = document.paths[path]?.[method.toLowerCase()]?.responses ?? {};
    for (const { code } of errorsOfRoute(route)) {
      const status = ERROR_STATUS[code] ?? (code === API_ERRORS.RequestFailed.code ? 500 : undefined);
      expect(told[status ?? 0]?.description, `${name} ${code}`).toContain(`\`${code}\``);
    }
  }
});

test("routes refuse whoever has no admin token, each of them but health", async () => {
  const [first, second] = [await TestGateway.start(), await TestGateway.start()];
  const { text } = await second.token();
  const open: string[] = [];
  for (const [name, { method, path }] of ROUTES) {
    for (const [gateway, headers] of [
      [first, {}],
      [second, { authorization: `Bearer ${text}` }],
    ] as const) {
      const { status } = await fetch(`${gateway.url}${path.replace(/\{\w+\}/, "x")}`, { method, headers });
      // 429: so many failures were met by the limit on guessing, which refuses as well.
      if (status !== 401 && status !== 429) open.push(`${name} ${status}`);
    }
  }
  expect(open).toEqual(["getHealth 200", "getHealth 200"]);
});

test("routes refuse a query or body field that they don't know, each of them", async () => {
  const gateway = await TestGateway.start();
  for (const [name, route] of ROUTES) {
    const path = route.path.replace(/\{\w+\}/, crypto.randomUUID());
    const query = await gateway.call(route.method, `${path}?misspelt=1`);
    expect([query.status, query.body.code], name).toEqual([400, "BadRequest"]);
    if (!("body" in route)) continue;
    const body = await gateway.call(route.method, path, { misspelt: 1 });
    expect([body.status, body.body.code], name).toEqual([400, "BadRequest"]);
    expect(body.body.message, name).toContain("misspelt");
  }
});

test("routes refuse every other method by naming those they have, each of them", async () => {
  const gateway = await TestGateway.start();
  const paths = Map.groupBy(ROUTES, ([, { path }]) => path.replace(/\{\w+\}/, "x"));
  expect(paths.size).toBeGreaterThan(15);
  for (const [path, routes] of paths) {
    const own = new Set<string>(routes.map(([, { method }]) => method));
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].filter((name) => !own.has(name))) {
      const { status, headers, body } = await gateway.call(method, path);
      expect([status, body.code], `${method} ${path}`).toEqual([405, "MethodNotAllowed"]);
      expect(body.message).toMatch(new RegExp(`no ${method}, only [A-Z, ]+$`));
      const allowed = new Set((headers.get("allow") ?? "").split(", "));
      expect(allowed, `${method} ${path}`).toEqual(own.has("GET") ? new Set([...own, "HEAD"]) : own);
    }
  }
  const headers = { authorization: `Bearer ${gateway.adminToken}` };
  const nowhere = await fetch(`${gateway.url}/api/v1/run`, { headers });
  expect(nowhere.status).toBe(404);
  expect(await nowhere.json()).toMatchObject({ advice: expect.stringContaining("/api/v1/openapi.json") });
  const stranger = await fetch(`${gateway.url}/api/v1/runs`, { method: "PUT" });
  expect(stranger.status).toBe(401);
});

test("answers tell times as RFC 3339 in UTC, every time of every answer", () => {
  const known = Object.entries(document.components.schemas).flatMap(([name, schema]) =>
    Object.entries((schema as { properties?: Record<string, object> }).properties ?? {})
      // Where a log was held back or capped is told in bytes.
      .filter(([field]) => /(?:At|Deadline)$/.test(field) && !/^log/.test(field))
      .map(([field, shape]) => [`${name}.${field}`, JSON.stringify(shape)] as const),
  );
  expect(known.length).toBeGreaterThan(10);
  for (const [field, shape] of known) expect(shape, field).toContain("#/components/schemas/Time");
  expect(text).not.toContain("epoch milliseconds");
});

test("routeOf finds fixed paths before parameters", () => {
  expect(routeOf("GET", "/api/v1/openapi.json")).toBe(API_ROUTES.getOpenApi);
  expect(routeOf("GET", "/api/v1/runs/1?x=2")).toBe(API_ROUTES.getRun);
  expect(routeOf("GET", "/api/v1/nothing")).toBeUndefined();
});
