import { accessSync, closeSync, constants, openSync, readSync, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/** Longer first lines are cut by kernels too. */
const FIRST_LINE = 256;

/**
 * Why a program that is there can't be started although the system says that something isn't: what starts it is missing. Completes
 * "Cannot start the program …: "; undefined when the program itself is missing.
 */
export function missingStarter(
  command: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
): { readonly state: string; readonly advice: string } | undefined {
  const path = find(command, cwd, env["PATH"] ?? "");
  const start = path === undefined ? undefined : beginningOf(path);
  if (path === undefined || start === undefined) return undefined;
  if (!start.startsWith("#!")) {
    return {
      state: `${path} is there, but what loads it on this system is not`,
      advice: "Take a build of the program for this system and its C library (glibc or musl)",
    };
  }
  const [line = ""] = start.slice(2).split("\n");
  const [interpreter = ""] = line.trim().split(/[ \t\r]/);
  if (line.endsWith("\r")) {
    return {
      state: `the first line of ${path} ends with a carriage return, which counts as part of its interpreter's name`,
      advice: "Write the script with the line ends of Unix",
    };
  }
  return {
    state: `its interpreter ${JSON.stringify(interpreter)}, which the first line of ${path} names, is missing`,
    advice: "Install the interpreter, or correct the script's first line",
  };
}

/** As the system looks for it. */
function find(command: string, cwd: string, path: string): string | undefined {
  const places = command.includes("/")
    ? [resolve(cwd, command)]
    : path.split(delimiter).map((part) => join(part, command));
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK);
      return statSync(place).isFile();
    } catch {
      return false;
    }
  });
}

function beginningOf(path: string): string | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const buffer = new Uint8Array(FIRST_LINE);
      return new TextDecoder("latin1").decode(buffer.subarray(0, readSync(file, buffer)));
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}
