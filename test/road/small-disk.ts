import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";

const run = promisify(execFile);

/** Why no file system can be mounted here, or undefined when it can. */
export async function whyNoMount(): Promise<string | undefined> {
  if (process.platform !== "linux") return "only Linux has tmpfs";
  const probe = join("/tmp", `mount-probe-${crypto.randomUUID()}`);
  await mkdir(probe);
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", probe]);
    await run("umount", [probe]);
    return undefined;
  } catch (error) {
    return String((error as { stderr?: string }).stderr ?? error).trim();
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}

/** A real file system with little room. */
export class SmallDisk {
  readonly path: string;
  readonly #ballast: string;

  private constructor(path: string) {
    this.path = path;
    this.#ballast = join(path, "ballast");
  }

  /** Mounts one at `path`; it goes when the test ends. */
  static async mount(path: string, kilobytes: number): Promise<SmallDisk> {
    await mkdir(path, { recursive: true });
    await run("mount", ["-t", "tmpfs", "-o", `size=${kilobytes}k,mode=700`, "tmpfs", path]);
    onTestFinished(async () => void (await run("umount", ["--lazy", path])));
    return new SmallDisk(path);
  }

  /** Takes all the room that is left. */
  async fill(): Promise<void> {
    await writeFile(this.#ballast, new Uint8Array(1_048_576 * 64)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOSPC") throw error;
    });
  }

  /** Gives back what `fill` took. */
  async free(): Promise<void> {
    await rm(this.#ballast);
  }

  /** Only works while nobody has a file open for writing. */
  async setReadOnly(readOnly: boolean): Promise<void> {
    await run("mount", ["-o", `remount,${readOnly ? "ro" : "rw"}`, this.path]);
  }
}
