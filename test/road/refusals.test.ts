import { execFile } from "node:child_process";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { cleanEnvironment, Site } from "./site.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

function runOnce(
  environment: Record<string, string>,
  args: readonly string[] = ["run"],
): Promise<{ code: number; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      { env: { ...cleanEnvironment(), ...environment }, timeout: 300_000 },
      (error, _stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), stderr });
      },
    );
  });
}

test("a configuration with three mistakes tells all three by name and exits with 2", async () => {
  const { code, stderr } = await runOnce({
    SERVER_URL: "ftp://x",
    AUTH_TOKEN: "secret-token",
    MAX_CONCURRENT_RUNS: "none",
    INGESTION_COMMAND: "python main.py",
  });
  expect(code).toBe(2);
  for (const name of ["ConfigInvalid", "SERVER_URL", "MAX_CONCURRENT_RUNS", "INGESTION_COMMAND", "3 problems", "next:"])
    expect(stderr).toContain(name);
  expect(stderr).not.toContain("secret-token");
});

test("an unknown flag and an unknown command exit with 2 and say what to do", async () => {
  expect(await runOnce({}, ["run", "--colour", "red"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("colour"),
  });
  expect(await runOnce({}, ["dance"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("hybrid-runner help"),
  });
});

test("a data directory that can't be written ends the start with a code and a next step", async () => {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, "file"), "in the way");
  const { code, stderr } = await runOnce({
    SERVER_URL: "ws://127.0.0.1:1",
    AUTH_TOKEN: "t",
    INGESTION_COMMAND: '["true"]',
    DATA_DIRECTORY: join(directory, "file", "data"),
  });
  expect(code).toBe(1);
  expect(stderr).toContain("DataDirectoryUnwritable");
  expect(stderr).toContain(join(directory, "file", "data"));
  expect(stderr).toContain("next:");
});

test("two runners on one data directory: the second says who holds it", async () => {
  const site = await Site.open();
  await site.startRunner();
  await site.connected();
  const { code, stderr } = await runOnce({
    SERVER_URL: `ws://127.0.0.1:${site.port}`,
    AUTH_TOKEN: "t",
    INGESTION_COMMAND: '["true"]',
    DATA_DIRECTORY: site.runnerData(),
  });
  expect(code).toBe(1);
  expect(stderr).toContain("DataDirectoryLocked");
});

test.each(["wrong", "revoked"])(
  "a runner with a %s token is not connected, says why without showing it, and lives on",
  async (kind) => {
    const site = await Site.open();
    const first = await site.startRunner();
    await site.connected();
    await first.end("SIGTERM");
    const token = kind === "wrong" ? "not.a.token" : await site.revokedToken();
    const again = await site.startRunner({ environment: { AUTH_TOKEN: token } });
    await eventually(async () => expect(await again.log()).toContain("unauthorized"));
    expect(again.alive).toBe(true);
    expect(await again.log()).not.toContain(token);
    expect((await site.api<{ status: string }>("GET", "/runners/test-runner")).status).toBe("Disconnected");
  },
  60_000,
);

test("a runner id of another installation is refused until an administrator rebinds it", async () => {
  const site = await Site.open();
  const first = await site.startRunner({ place: "here" });
  await site.connected();
  const second = await site.startRunner({ place: "there" });
  await eventually(async () => expect(await second.log()).toContain("runnerIdInUse"));
  expect(second.alive).toBe(true);
  await first.end("SIGTERM");
  await second.end("SIGTERM");
  await site.api("POST", "/runners/test-runner/rebind");
  await site.startRunner({ place: "there" });
  await site.connected();
});

test("of two processes of one installation the newer has the session and the older stands by, alive", async () => {
  const site = await Site.open();
  const older = await site.startRunner({ place: "one" });
  await site.connected();
  await cp(join(site.runnerData("one"), "installation-id"), join(site.directory, "copied-id"));
  const { mkdir } = await import("node:fs/promises");
  await mkdir(site.runnerData("two"));
  await cp(join(site.directory, "copied-id"), join(site.runnerData("two"), "installation-id"));
  await site.startRunner({ place: "two" });
  await eventually(async () => expect(await older.log()).toContain("standby"));
  expect(older.alive).toBe(true);
  await site.connected();
});
