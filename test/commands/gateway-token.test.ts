import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { dialRunner, ScriptedRunner } from "../gateway/scripted-runner.ts";
import { command, GatewayProcess } from "./gateway-process.ts";

interface Made {
  readonly token: string;
  readonly tokenId: string;
  readonly runnerId: string;
  readonly expiresAt?: string;
  readonly state: string;
}

test("gateway token creates, lists and revokes beside a live gateway, which obeys at the next dial", async () => {
  const directory = await temporaryDirectory();
  const gateway = await GatewayProcess.start(directory);
  const on = ["--data-directory", directory, "--json"];
  const created = await command(["gateway", "token", "create", "--runner", "alpha", "--expires-in", "90d", ...on]);
  expect(created.code).toBe(0);
  const made = JSON.parse(created.stdout) as Made;
  expect(made).toMatchObject({ runnerId: "alpha", state: "valid" });
  expect(Date.parse(made.expiresAt ?? "") / 1000).toBeCloseTo(Date.now() / 1000 + 90 * 86_400, -2);

  const runner = await ScriptedRunner.connect(gateway.url, made.token, "alpha");
  runner.leave();
  await expect(dialRunner(gateway.url, made.token, "beta")).rejects.toMatchObject({ facts: { status: 401 } });

  const listed = await command(["gateway", "token", "list", ...on]);
  const { token: _, ...shown } = made;
  expect(JSON.parse(listed.stdout)).toEqual({ tokens: [shown] });
  expect((await command(["gateway", "token", "revoke", made.tokenId, ...on])).code).toBe(0);
  await expect(dialRunner(gateway.url, made.token, "alpha")).rejects.toMatchObject({
    facts: { status: 401, refusal: "unauthorized" },
  });
  const after = JSON.parse((await command(["gateway", "token", "list", ...on])).stdout) as { tokens: Made[] };
  expect(after.tokens[0]?.state).toBe("revoked");

  const signature = made.token.split(".")[2] ?? "";
  for (const name of await readdir(directory)) {
    expect(await readFile(join(directory, name), "latin1"), name).not.toContain(signature);
  }
  expect(gateway.output).not.toContain(signature);
});

/** A data directory that a gateway has run on. */
async function usedDirectory(): Promise<string> {
  const directory = await temporaryDirectory();
  await (await GatewayProcess.start(directory)).end("SIGTERM");
  return directory;
}

test("gateway token works beside no gateway where one has run, and prints the token alone to standard output", async () => {
  const on = ["--data-directory", await usedDirectory()];
  const created = await command(["gateway", "token", "create", "--runner", "*", ...on]);
  expect(created.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  expect(created.stderr).toContain("AUTH_TOKEN");
  expect(created.stderr).not.toContain(created.stdout.trim());
  const listed = await command(["gateway", "token", "list", ...on]);
  expect(listed.stdout).toContain("* (any)");
  expect(listed.stdout).not.toContain(created.stdout.trim());
});

test("gateway token refuses what it doesn't understand with exit code 2, and an unknown token with 1", async () => {
  const on = ["--data-directory", await usedDirectory()];
  const wrong: readonly (readonly string[])[] = [
    [],
    ["make"],
    ["create"],
    ["create", "--runner", "../alpha"],
    ["create", "--runner", "alpha", "--expires-in", "soon"],
    ["create", "--runner", "alpha", "--expires-in", "0d"],
    ["create", "--runner", "alpha", "--expires-in", "3651d"],
    ["create", "--runner", "alpha", "--expires-in", "999999999d"],
    ["create", "--runner", "alpha", "--expires-in", "1e308s"],
    ["create", "alpha"],
    ["revoke"],
    ["list", "--all"],
  ];
  for (const args of wrong) {
    const { code, stderr } = await command(["gateway", "token", ...args, ...on]);
    expect([args, code]).toEqual([args, 2]);
    expect(stderr).toContain("next:");
    expect(stderr).not.toContain("docs/configuration.md");
  }
  const unknown = await command(["gateway", "token", "revoke", crypto.randomUUID(), ...on]);
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toMatch(/^NotFound: Cannot revoke the token: .*\n {2}next: .*gateway token list/);
});

test("gateway token: what isn't asked for ends after a year, and what never ends is asked for and told", async () => {
  const on = ["--data-directory", await usedDirectory()];
  const make = (...more: string[]) => command(["gateway", "token", "create", "--runner", "alpha", ...more, ...on]);
  const year = JSON.parse((await make("--json")).stdout) as Made;
  expect(Date.parse(year.expiresAt ?? "") / 1000).toBeCloseTo(Date.now() / 1000 + 365 * 86_400, -2);
  const forever = JSON.parse((await make("--json", "--expires-in", "never")).stdout) as Made;
  expect(forever).toMatchObject({ state: "valid" });
  expect(forever.expiresAt).toBeUndefined();
  expect((await make("--expires-in", "never")).stderr).toContain("never expires");
  expect((await make()).stderr).toContain(`until ${new Date().getUTCFullYear() + 1}-`);
});

test("gateway token makes nothing where no gateway has run, and says which directory it looked at", async () => {
  const directory = join(await temporaryDirectory(), "elsewhere");
  for (const args of [["create", "--runner", "alpha"], ["list"], ["revoke", crypto.randomUUID()]]) {
    const { code, stdout, stderr } = await command(["gateway", "token", ...args, "--data-directory", directory]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("NoGatewayData");
    expect(stderr).toContain(directory);
    expect(stderr).toContain("--data-directory");
  }
  expect(await readdir(join(directory, ".."))).toEqual([]);
});
