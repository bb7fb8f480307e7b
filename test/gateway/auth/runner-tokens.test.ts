import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { exportJWK, importJWK, SignJWT } from "jose";
import { expect, test } from "vitest";
import { CodedError } from "../../../src/base/errors.ts";
import { Sensitive } from "../../../src/base/sensitive.ts";
import { openTokenKeys, TOKEN_KEY_FILE } from "../../../src/gateway/auth/keys.ts";
import { createRunnerToken, type TokenWish, verifyRunnerToken } from "../../../src/gateway/auth/runner-tokens.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { temporaryDirectory } from "../../fakes/temporary-directory.ts";
import { openTestData } from "./open-test-store.ts";

async function setUp(wish: TokenWish = {}) {
  const clock = new FakeClock();
  const data = await openTestData(clock);
  const { token, record } = await createRunnerToken(data.store, data.keys, wish, clock);
  const verify = (text: string | undefined, runnerId: string) =>
    verifyRunnerToken(data.store, data.keys, text, runnerId, clock);
  return { ...data, clock, token: token.reveal(), record, verify };
}

/** The refusal's reason; fails when the token was accepted or the message shows it. */
async function refusal(verifying: Promise<unknown>, token = "\0"): Promise<unknown> {
  const error: unknown = await verifying.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof CodedError)) throw new Error(`accepted, or failed otherwise: ${String(error)}`);
  expect(error.code).toBe("TokenRefused");
  expect(`${error.message} ${String(error.cause)} ${error.stack}`).not.toContain(token);
  return error.facts["reason"];
}

test("verifyRunnerToken accepts a token of this gateway, for its runner or for any", async () => {
  const any = await setUp();
  expect(await any.verify(any.token, "alpha")).toEqual({ runnerId: "alpha", tokenId: any.record.tokenId });
  const { record } = await createRunnerToken(any.store, any.keys, { runnerId: "beta" }, any.clock);
  expect(record.runnerId).toBe("beta");
});

test("verifyRunnerToken tells whose token it is", async () => {
  const { token, record, verify } = await setUp({ runnerId: "alpha" });
  expect(await verify(token, "alpha")).toEqual({ runnerId: "alpha", tokenRunnerId: "alpha", tokenId: record.tokenId });
  expect(await refusal(verify(token, "beta"), token)).toBe("wrongRunner");
});

test("verifyRunnerToken refuses what is no token", async () => {
  const { token, verify } = await setUp();
  expect(await refusal(verify(undefined, "alpha"))).toBe("missing");
  expect(await refusal(verify("", "alpha"))).toBe("missing");
  expect(await refusal(verify("hello", "alpha"), "hello")).toBe("malformed");
  expect(await refusal(verify(token.repeat(40), "alpha"), token)).toBe("malformed");
  const [header, payload] = token.split(".");
  expect(await refusal(verify(`${header}.${payload}.`, "alpha"), payload)).toMatch(/unknown|malformed/);
  const unsigned = `${btoa('{"alg":"none"}').replaceAll("=", "")}.${payload}.`;
  expect(await refusal(verify(unsigned, "alpha"), unsigned)).toBe("malformed");
});

test("verifyRunnerToken lets clocks be 30 seconds apart at the expiry, and no more", async () => {
  const { token, verify, clock } = await setUp({ expiresInSeconds: 60 });
  clock.setWallTime(clock.now() + 85_000);
  expect(await verify(token, "alpha")).toMatchObject({ runnerId: "alpha" });
  clock.setWallTime(clock.now() + 10_000);
  expect(await refusal(verify(token, "alpha"), token)).toBe("expired");
});

test("verifyRunnerToken refuses a revoked token though its signature is right", async () => {
  const { token, verify, store, record, clock } = await setUp();
  expect(await store.revokeToken(record.tokenId, clock.now())).toBe(true);
  expect(await refusal(verify(token, "alpha"), token)).toBe("revoked");
});

test("verifyRunnerToken refuses what another key has signed, and what this key has signed but nobody issued", async () => {
  const { verify, record, clock, keys } = await setUp();
  const claims = (jti: string): SignJWT =>
    new SignJWT()
      .setProtectedHeader({ alg: "EdDSA" })
      .setIssuer("hybrid-runner-gateway")
      .setSubject("*")
      .setJti(jti)
      .setIssuedAt(Math.floor(clock.now() / 1000));
  const other = await openTokenKeys(await temporaryDirectory());
  const foreign = await claims(record.tokenId).sign(other.signing.reveal());
  expect(await refusal(verify(foreign, "alpha"), foreign)).toBe("unknown");
  const unissued = await claims(crypto.randomUUID()).sign(keys.signing.reveal());
  expect(await refusal(verify(unissued, "alpha"), unissued)).toBe("unknown");
  const rewritten = await claims(record.tokenId).setExpirationTime("10y").sign(keys.signing.reveal());
  expect(await refusal(verify(rewritten, "alpha"), rewritten)).toBe("unknown");
});

test("createRunnerToken leaves only a hash on disk", async () => {
  const { token, directory, store, record } = await setUp();
  expect((await store.findToken(record.tokenId))?.sha256).toMatch(/^[0-9a-f]{64}$/);
  const [, payload, signature] = token.split(".");
  for (const name of await readdir(directory)) {
    const bytes = await readFile(join(directory, name), "latin1");
    expect(bytes).not.toContain(signature);
    expect(bytes).not.toContain(payload);
  }
});

test("openTokenKeys makes one key in a private file and finds it again", async () => {
  const directory = await temporaryDirectory();
  const [first, second] = await Promise.all([openTokenKeys(directory), openTokenKeys(directory)]);
  expect(await exportJWK(first.checking)).toEqual(await exportJWK(second.checking));
  expect((await stat(join(directory, TOKEN_KEY_FILE))).mode & 0o777).toBe(0o600);
  expect(String(new Sensitive(first.signing))).toBe("[redacted]");
  const again = await openTokenKeys(directory);
  expect(await exportJWK(again.checking)).toEqual(await exportJWK(first.checking));
  await expect(importJWK(await exportJWK(again.checking), "EdDSA")).resolves.toBeDefined();
});
