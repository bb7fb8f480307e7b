import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { startChild } from "../../src/runtime/child.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

/** What starting a file with this text fails with, by its whole path and by its name on the PATH. */
async function failures(text: string | Uint8Array | undefined): Promise<readonly unknown[]> {
  const directory = await temporaryDirectory();
  const file = join(directory, "program");
  await mkdir(join(directory, "other"));
  if (text !== undefined) {
    await writeFile(file, text);
    await chmod(file, 0o755);
  }
  const start = (command: string): Promise<unknown> =>
    startChild({
      command,
      args: [],
      env: { PATH: `${join(directory, "other")}:${directory}` },
      cwd: directory,
      clock: systemClock,
      ownGroup: true,
      stdin: "ignore",
      onStdout: async () => undefined,
      onStderr: async () => undefined,
    }).then(
      () => "started",
      (error: unknown) => error,
    );
  return Promise.all([file, "./program", "program"].map(start));
}

test.each([
  ["#!/no/such/python3 -u\nprint()\n", 'its interpreter "/no/such/python3"', "Install the interpreter"],
  ["#! /no/such/python3\n", 'its interpreter "/no/such/python3"', "Install the interpreter"],
  ["#!/bin/sh\r\necho\r\n", "ends with a carriage return", "line ends of Unix"],
])("a script %j whose interpreter is missing is told as that", async (text, state, advice) => {
  for (const failure of await failures(text)) {
    expect(failure).toMatchObject({
      code: "ProgramStartFailed",
      message: expect.stringContaining(state),
      advice: expect.stringContaining(advice),
      facts: { reason: "notExecutable" },
    });
  }
});

test("a program whose loader is missing is told as that", async (context) => {
  if (process.platform !== "linux" || process.arch !== "x64")
    return context.skip("the program is one for Linux on x64");
  for (const failure of await failures(elfWithLoader("/no/such/ld-musl.so.1"))) {
    expect(failure).toMatchObject({
      message: expect.stringContaining("is there, but what loads it on this system is not"),
    });
  }
});

test("a directory is told as that", async () => {
  const directory = await temporaryDirectory();
  for (const command of [directory, `${directory}/`, "./"]) {
    const started = startChild({
      ...{ command, args: [], env: {}, cwd: directory, clock: systemClock, ownGroup: true, stdin: "ignore" },
      onStdout: () => undefined,
      onStderr: () => undefined,
    });
    await expect(started, command).rejects.toMatchObject({ message: expect.stringContaining("it is a directory") });
  }
});

test("what isn't there is no such program", async () => {
  for (const failure of await failures(undefined)) {
    expect(failure).toMatchObject({
      message: expect.stringContaining("there is no such program"),
      facts: { reason: "notFound" },
    });
  }
});

/** The smallest file that Linux takes for a program of this loader (elf(5)). */
function elfWithLoader(loader: string): Uint8Array {
  const file = Buffer.alloc(64 + 56 + loader.length + 1);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(62, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(3, 64);
  file.writeUInt32LE(4, 68);
  file.writeBigUInt64LE(120n, 72);
  file.writeBigUInt64LE(BigInt(loader.length + 1), 96);
  file.writeBigUInt64LE(BigInt(loader.length + 1), 104);
  file.write(loader, 120, "latin1");
  return file;
}
