import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { type Program, startProgram } from "../../src/runtime/program.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

interface Started {
  readonly program: Program;
  readonly stdout: () => Promise<string>;
  readonly stderr: () => Promise<string>;
}

async function start(script: string, env: Record<string, string> = {}): Promise<Started> {
  const cwd = await temporaryDirectory();
  const [stdoutFile, stderrFile] = [join(cwd, "out"), join(cwd, "err")];
  const command = [process.execPath, "-e", script];
  const program = await startProgram({ command, env, cwd, stdoutFile, stderrFile, clock: systemClock });
  return { program, stdout: () => readFile(stdoutFile, "utf8"), stderr: () => readFile(stderrFile, "utf8") };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const IGNORES_TERM = "process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1000)";

test("program writes into its files, tells its exit code, and inherits no variable", async () => {
  const script =
    "console.log(Object.keys(process.env).join(), process.env.GIVEN); console.error('oh'); process.exitCode = 3";
  const { program, stdout, stderr } = await start(script, { GIVEN: "yes" });
  expect(await program.exited).toEqual({ code: 3 });
  expect(await stdout()).toBe("GIVEN yes\n");
  expect(await stderr()).toBe("oh\n");
});

test("program's files are for this user only", async () => {
  const cwd = await temporaryDirectory();
  const file = join(cwd, "log");
  const command = [process.execPath, "-e", ""];
  const program = await startProgram({ command, env: {}, cwd, stdoutFile: file, stderrFile: file, clock: systemClock });
  await program.exited;
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test("program that obeys TERM is ended by it, and a second terminate is harmless", async () => {
  const { program, stdout } = await start("console.log('ready'); setInterval(() => {}, 1000)");
  await eventually(async () => expect(await stdout()).toBe("ready\n"));
  expect(await program.terminate(60_000)).toEqual({ signal: "SIGTERM" });
  expect(await program.terminate(60_000)).toEqual({ signal: "SIGTERM" });
  expect(isAlive(program.pid)).toBe(false);
});

test("program that ignores TERM is killed with its group", async () => {
  const child = `const c = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(IGNORES_TERM)}]);`;
  const { program, stdout } = await start(`${child} console.log(c.pid); ${IGNORES_TERM}`);
  await eventually(async () => expect(await stdout()).toContain("ready"));
  const grandchild = Number((await stdout()).split("\n")[0]);
  expect(await program.terminate(50)).toEqual({ signal: "SIGKILL" });
  await eventually(() => expect(isAlive(grandchild)).toBe(false));
});

test("program that can't be started is an error with the system's code", async () => {
  const cwd = await temporaryDirectory();
  const file = join(cwd, "log");
  const options = { env: {}, cwd, stdoutFile: file, stderrFile: file, clock: systemClock };
  await expect(startProgram({ ...options, command: [join(cwd, "nothing")] })).rejects.toMatchObject({ code: "ENOENT" });
});

test("program is killed when its starter ends without having ended it", async () => {
  const cwd = await temporaryDirectory();
  const module = join(import.meta.dirname, "../../src/runtime/program.ts");
  const clock = join(import.meta.dirname, "../../src/base/clock.ts");
  const { program, stdout } = await start(`
    const { startProgram } = await import(${JSON.stringify(module)});
    const { systemClock } = await import(${JSON.stringify(clock)});
    const command = [process.execPath, "-e", ${JSON.stringify(IGNORES_TERM)}];
    const file = ${JSON.stringify(join(cwd, "child"))};
    const child = await startProgram({ command, env: {}, cwd: ".", stdoutFile: file, stderrFile: file, clock: systemClock });
    console.log(child.pid);
    process.exit(0);
  `);
  expect(await program.exited).toEqual({ code: 0 });
  const pid = Number(await stdout());
  expect(pid).toBeGreaterThan(1);
  await eventually(() => expect(isAlive(pid)).toBe(false));
});
