import { expect, test } from "vitest";
import type { IssuedTokenView, TokenView } from "../../../src/gateway/api/views.ts";
import { dialRunner, ScriptedRunner } from "../scripted-runner.ts";
import { TestGateway } from "../test-gateway.ts";

const list = async (gateway: TestGateway, query = ""): Promise<TokenView[]> =>
  (await gateway.ask<{ tokens: TokenView[] }>("GET", `/api/v1/tokens${query}`)).tokens;

test("tokens are shown once, let their runner in and nobody else, and are listed without the token and its hash", async () => {
  const gateway = await TestGateway.start();
  const issued = await gateway.call<IssuedTokenView>("POST", "/api/v1/tokens", { runnerId: "alpha" });
  expect([issued.status, issued.headers.get("cache-control")]).toEqual([201, "no-store"]);
  const { token, ...rest } = issued.body;
  expect(rest).toMatchObject({ runnerId: "alpha", state: "valid" });
  const runner = await ScriptedRunner.connect(gateway.url, token, "alpha");
  expect(runner.newest("welcome").body.epoch).toBe(1);
  await expect(dialRunner(gateway.url, token, "beta")).rejects.toMatchObject({ facts: { status: 401 } });
  expect(await list(gateway)).toEqual([rest]);
  const stored = await gateway.store.findToken(rest.tokenId);
  expect(JSON.stringify(await gateway.call("GET", "/api/v1/tokens"))).not.toContain(stored?.sha256);
  expect(gateway.logLines.join("")).toContain(rest.tokenId);
  expect(gateway.logLines.join("")).not.toContain(token);
});

test("tokens for any runner are asked for with *, and by no other way", async () => {
  const gateway = await TestGateway.start();
  const { token } = await gateway.ask<IssuedTokenView>("POST", "/api/v1/tokens", { runnerId: "*" });
  await ScriptedRunner.connect(gateway.url, token, "alpha");
  await ScriptedRunner.connect(gateway.url, token, "beta");
  for (const body of [
    {},
    { runnerId: "" },
    { runnerId: "../x" },
    { runnerId: "alpha", expiresInSeconds: 0 },
    { runnerId: "alpha", expiresInSeconds: 315_360_001 },
  ]) {
    expect((await gateway.call("POST", "/api/v1/tokens", body)).status, JSON.stringify(body)).toBe(400);
  }
  expect(await list(gateway)).toHaveLength(1);
});

test("tokens that are revoked let nobody in, keep their place in the list and the time of the first revocation", async () => {
  const gateway = await TestGateway.start();
  const { token, tokenId } = await gateway.ask<IssuedTokenView>("POST", "/api/v1/tokens", {
    runnerId: "alpha",
    expiresInSeconds: 3600,
  });
  await gateway.ask("POST", "/api/v1/tokens", { runnerId: "*" });
  const revoked = await gateway.ask<TokenView>("DELETE", `/api/v1/tokens/${tokenId}`);
  expect(revoked).toMatchObject({ tokenId, state: "revoked" });
  expect(Date.parse(revoked.expiresAt ?? "") - Date.parse(revoked.createdAt)).toBeGreaterThan(3_598_000);
  expect(await gateway.ask("DELETE", `/api/v1/tokens/${tokenId}`)).toEqual(revoked);
  await expect(dialRunner(gateway.url, token, "alpha")).rejects.toMatchObject({ facts: { status: 401 } });
  expect((await list(gateway, "?runnerId=alpha")).map(({ state }) => state)).toEqual(["revoked"]);
  expect((await list(gateway, "?runnerId=*")).map(({ state }) => state)).toEqual(["valid"]);
  const unknown = await gateway.call("DELETE", `/api/v1/tokens/${crypto.randomUUID()}`);
  expect([unknown.status, unknown.body.code]).toEqual([404, "NotFound"]);
});

test("tokens end after a year unless something else is asked for, and only then never", async () => {
  const gateway = await TestGateway.start();
  const issue = (more: object = {}): Promise<IssuedTokenView> =>
    gateway.ask("POST", "/api/v1/tokens", { runnerId: "alpha", ...more });
  const { createdAt, expiresAt = "" } = await issue();
  expect(Math.round((Date.parse(expiresAt) - Date.parse(createdAt)) / 86_400_000)).toBe(365);
  expect((await issue({ expiresInSeconds: "never" })).expiresAt).toBeUndefined();
});
