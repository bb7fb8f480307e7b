import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { executableFiles } from "../../scripts/image/executable-files.ts";
import { writeRootFileSystem } from "../../scripts/image/root-file-system.ts";
import {
  EXECUTABLE_FILE,
  LOADER_FILE,
  POD_VARIABLES,
  wrapperCommand,
} from "../../src/executor/pods/wrapper/wrapper-place.ts";
import { readEndStatement } from "../../src/protocol/end-statement.ts";
import { BUILD_LIMIT_MS, builtExecutable } from "./built-executable.ts";
import { type Ended, runProgram } from "./run-program.ts";

/* The image's files on this machine; test/cluster/wrapper-in-pod.test.ts starts them where there is no libc. */

let image: string;

beforeAll(async () => {
  image = await mkdtemp(join(tmpdir(), "image-"));
  await writeRootFileSystem(await builtExecutable(), image);
  return () => rm(image, { recursive: true, force: true });
}, BUILD_LIMIT_MS + 30_000);

let empty: string;

beforeEach(async () => {
  empty = await mkdtemp(join(tmpdir(), "wrapper-files-"));
});

afterEach(() => rm(empty, { recursive: true, force: true }));

const inImage = (): string => join(image, "hybrid-runner");

function run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return runProgram(command, { cwd: empty, env, limitMs: 120_000 });
}

test("the image holds the executable, its loader, every library and a user without rights", async () => {
  const { libraries } = await executableFiles(await builtExecutable());
  expect(Object.keys(libraries)).toContain("libc.so.6");
  expect(await readdir(inImage())).toEqual([EXECUTABLE_FILE, LOADER_FILE, ...Object.keys(libraries)].sort());
  expect(await readFile(join(image, "etc/passwd"), "utf8")).toContain("hybrid-runner:x:10001:10001:");
  expect(await readFile(join(image, "etc/ssl/certs/ca-certificates.crt"), "utf8")).toContain("BEGIN CERTIFICATE");
  expect((await stat(join(image, "tmp"))).mode & 0o7777).toBe(0o1777);
});

describe("install-wrapper", () => {
  test("copies all into a directory, again too, and from there the wrapper runs a program", async () => {
    const target = join(empty, "volume");
    await mkdir(target);
    for (let time = 0; time < 2; time++) {
      const installed = await run([...wrapperCommand(inImage()), "install-wrapper", target]);
      expect(installed).toMatchObject({ code: 0, stderr: "" });
    }
    expect(await readdir(target)).toEqual(await readdir(inImage()));
    expect((await stat(join(target, LOADER_FILE))).mode & 0o777).toBe(0o555);
    await writeFile(join(empty, "config"), '{"password":"secret:/password"}');
    await writeFile(join(empty, "password"), "pa55word-1");
    const wrapped = await run(
      [...wrapperCommand(target), "exec", "--pod", "--", "/bin/sh", "-c", "env; cat /proc/$$/maps"],
      {
        [POD_VARIABLES.configFile]: join(empty, "config"),
        [POD_VARIABLES.secrets]: JSON.stringify({ provider: "file", path: empty }),
        [POD_VARIABLES.terminationLog]: join(empty, "end"),
        LD_LIBRARY_PATH: "/of/the/image",
      },
    );
    expect(wrapped).toMatchObject({ code: 0, stderr: "" });
    expect(wrapped.stdout).toContain('config={"password":"[redacted]"}');
    // The program has the image's own loader and libraries, and of ours neither a variable nor a page.
    expect(wrapped.stdout.match(/^LD_.*$/gm)).toEqual(["LD_LIBRARY_PATH=/of/the/image"]);
    expect(wrapped.stdout).not.toContain(target);
    expect(readEndStatement(await readFile(join(empty, "end"), "utf8"))).toMatchObject({
      exitCode: 0,
      secretReads: { file: { found: 1 } },
    });
  });

  const bad: readonly (readonly [string, () => Promise<string>, string])[] = [
    ["is missing", async () => join(empty, "gone"), "there is no "],
    [
      "is a file",
      async () => {
        await writeFile(join(empty, "file"), "");
        return join(empty, "file");
      },
      "is not a directory",
    ],
    ["has no room", async () => "/proc/self", " are free"],
  ];
  test.each(bad)("says in words that the directory %s", async (_what, target, words) => {
    const { code, stderr } = await run([...wrapperCommand(inImage()), "install-wrapper", await target()]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^InstallFailed: Cannot copy the wrapper from .+\n {2}next: .+\n+$/);
    expect(stderr).toContain(words);
  });

  test("refuses to copy from where the loader is missing", async () => {
    await symlink(join(inImage(), EXECUTABLE_FILE), join(empty, "hybrid-runner"));
    const alone = await mkdtemp(join(tmpdir(), "alone-"));
    try {
      await writeFile(join(alone, "hybrid-runner"), await readFile(await builtExecutable()));
      await chmod(join(alone, "hybrid-runner"), 0o755);
      const { code, stderr } = await run([join(alone, "hybrid-runner"), "install-wrapper", empty]);
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`there is no ${LOADER_FILE}`),
      });
    } finally {
      await rm(alone, { recursive: true, force: true });
    }
  });
});

test("started through the loader, the program starts itself again through it: the demo's processes", async () => {
  const { code, stdout, stderr } = await run([...wrapperCommand(inImage()), "demo", "--once", "--json"]);
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true });
});
