import { execFile, spawn } from "node:child_process";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import {
  findMarkedProcesses,
  findProgram,
  groupLives,
  isAlive,
  ownIdentity,
  processIdentity,
  signalGroup,
  signalProcess,
  startDetached,
} from "../../src/runtime/process.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

const ON_LINUX = process.platform === "linux";
if (!ON_LINUX)
  process.stderr.write("three tests of processes are skipped: they look into /proc, which only Linux has\n");

/** A process that lives until it is killed, at the latest when the test ends. */
async function sleeper(env: Record<string, string> = {}): Promise<number> {
  const { pid } = await startDetached({ command: "sleep", args: ["1000"], cwd: "/", env: { ...PATH, ...env } });
  onTestFinished(() => void signalGroup(pid, "SIGKILL"));
  return pid;
}

const PATH = { PATH: process.env["PATH"] ?? "" };

test("a process is the same as long as it lives, and dead afterwards", async () => {
  const pid = await sleeper();
  const identity = await processIdentity(pid);
  if (identity === undefined) throw new Error("it lives");
  expect(await processIdentity(pid)).toEqual(identity);
  expect(await isAlive(identity)).toBe(true);
  expect(await signalProcess(identity, "SIGKILL")).toBe(true);
  await eventually(async () => expect(await isAlive(identity)).toBe(false));
  expect(await signalProcess(identity, "SIGKILL")).toBe(false);
  expect(await isAlive(await ownIdentity())).toBe(true);
});

test("a process with the same id and another start time is somebody else, and gets no signal", async () => {
  const pid = await sleeper();
  const stranger = { pid, startTime: "1@another-boot" };
  expect(await isAlive(stranger)).toBe(false);
  expect(await signalProcess(stranger, "SIGKILL")).toBe(false);
  expect(await processIdentity(pid)).toBeDefined();
});

test.runIf(ON_LINUX)("a process that ended and was not reaped counts as dead, and its group as empty", async () => {
  const shell = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 1000"], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  onTestFinished(() => void shell.kill("SIGKILL"));
  const pid = await new Promise<number>((resolve) =>
    shell.stdout.once("data", (data) => resolve(Number(String(data)))),
  );
  await eventually(async () => expect(await readFile(`/proc/${pid}/stat`, "utf8")).toMatch(/\) Z /));
  expect(await processIdentity(pid)).toBeUndefined();
  expect(await groupLives(shell.pid ?? 0)).toBe(true);
});

test("a detached process leads its session and writes to the file it was given", async () => {
  const outputFile = join(await temporaryDirectory(), "out.log");
  const options = { command: "sh", args: ["-c", "echo out; echo err >&2; echo $NAME"], cwd: "/", outputFile };
  await startDetached({ ...options, env: { ...PATH, NAME: "value" } });
  await eventually(async () => expect(await readFile(outputFile, "utf8")).toBe("out\nerr\nvalue\n"));
  expect((await stat(outputFile)).mode & 0o777).toBe(0o600);
  const pid = await sleeper();
  expect(await groupLives(pid)).toBe(true);
  expect(signalGroup(pid, "SIGKILL")).toBe(true);
  await eventually(async () => expect(await groupLives(pid)).toBe(false));
});

test("a command that doesn't exist is the system's error", async () => {
  const options = { command: "/nonexistent/program", args: [], env: {}, cwd: "/" };
  await expect(startDetached(options)).rejects.toMatchObject({ code: "ENOENT" });
});

test("no group is signalled by a number that means more than one group", async () => {
  expect(signalGroup(0, "SIGKILL")).toBe(false);
  expect(signalGroup(1, "SIGKILL")).toBe(false);
  expect(await groupLives(0)).toBe(false);
});

test.runIf(ON_LINUX)("without a file descriptor left a living process is not taken for dead", async () => {
  const script = join(import.meta.dirname, "without-descriptors.ts");
  const limited = ["-c", 'ulimit -n 64; exec "$0" "$@"', process.execPath, script];
  const { stdout } = await promisify(execFile)("/bin/sh", limited);
  expect(JSON.parse(stdout)).toEqual({
    alive: expect.stringContaining("EMFILE"),
    found: expect.stringContaining("EMFILE"),
    after: true,
  });
});

test.runIf(ON_LINUX)("marked processes are found by the whole value, wherever they are", async () => {
  const mark = crypto.randomUUID();
  const pid = await sleeper({ TEST_MARK: mark });
  await sleeper({ TEST_MARK: `${mark}0` });
  const found = await eventually(async () => {
    const processes = await findMarkedProcesses("TEST_MARK", mark);
    expect(processes).toHaveLength(1);
    return processes;
  });
  expect(found).toEqual([{ ...(await processIdentity(pid)), group: pid }]);
});

test("a program is found in the search path, or where its path says, if it may be executed", async () => {
  const directory = await temporaryDirectory();
  await mkdir(join(directory, "bin"));
  const program = join(directory, "bin", "tool");
  await writeFile(program, "#!/bin/sh\n");
  expect(await findProgram("tool", `/nowhere:${join(directory, "bin")}`, "/")).toBeUndefined();
  await chmod(program, 0o755);
  expect(await findProgram("tool", `/nowhere:${join(directory, "bin")}`, "/")).toBe(program);
  expect(await findProgram("./bin/tool", "", directory)).toBe(program);
  expect(await findProgram(program, "", "/")).toBe(program);
  expect(await findProgram("bin", directory, "/")).toBeUndefined();
});
