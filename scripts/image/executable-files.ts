import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { promisify } from "node:util";

/** Where on this machine an executable's loader and libraries are. */
export interface ExecutableFiles {
  /** As the executable's header names it, for example `/lib64/ld-linux-x86-64.so.2`. */
  readonly loader: string;
  /** Path of each library by the name under which it is looked for. */
  readonly libraries: Readonly<Record<string, string>>;
}

/** An ELF header and its program headers are at the beginning; the loader's path follows them. */
const HEAD_BYTES = 16_384;
const LIMIT_MS = 10_000;

/** Finds what glibc loads for an executable of this machine, by asking its own loader. @throws Error when it is linked otherwise */
export async function executableFiles(executable: string): Promise<ExecutableFiles> {
  const loader = /\0(\/[^\0]*\/ld-linux[^\0/]*)\0/.exec(await head(executable))?.[1];
  if (loader === undefined) throw new Error(`Cannot make an image: ${executable} isn't linked against glibc`);
  const { stdout } = await promisify(execFile)(loader, ["--list", executable], { env: {}, timeout: LIMIT_MS });
  const libraries: Record<string, string> = {};
  for (const line of stdout.split("\n")) {
    const found = /^\s*(\S+) => (\/\S+) \(0x/.exec(line);
    if (found?.[1] !== undefined && found[2] !== undefined) libraries[basename(found[1])] = found[2];
    else if (line.includes("not found")) throw new Error(`Cannot make an image: ${line.trim()}`);
  }
  delete libraries[basename(loader)];
  return { loader, libraries };
}

async function head(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.toString("latin1", 0, bytesRead);
  } finally {
    await file.close();
  }
}
