import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";

const run = promisify(execFile);
const BYTES = 16 * 1_048_576;

/** Why no disk can be broken here, or undefined when one can. */
export async function whyNoBreakingDisk(): Promise<string | undefined> {
  if (process.platform !== "linux") return "only Linux has loop devices";
  const directory = await mkdtemp(join(tmpdir(), "breaking-probe-"));
  try {
    await makeImage(join(directory, "image"));
    await mkdir(join(directory, "mount"));
    await run("mount", ["-o", "loop", join(directory, "image"), join(directory, "mount")]);
    await run("umount", [join(directory, "mount")]);
    return undefined;
  } catch (error) {
    return String((error as { stderr?: string }).stderr || error).trim();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A real file system that can break while files on it are written: from then on every write fails with EROFS. */
export class BreakingDisk {
  readonly path: string;
  readonly #directory: string;

  private constructor(path: string, directory: string) {
    this.path = path;
    this.#directory = directory;
  }

  /** Mounts one at `path`; it goes when the test ends. */
  static async mount(path: string): Promise<BreakingDisk> {
    const directory = await mkdtemp(join(tmpdir(), "breaking-disk-"));
    await makeImage(join(directory, "image"));
    await mkdir(path, { recursive: true });
    await run("mount", ["-o", "loop", join(directory, "image"), path]);
    onTestFinished(async () => {
      for (let mounted = true; mounted; ) {
        mounted = await run("umount", ["--lazy", path]).then(
          () => true,
          () => false,
        );
      }
      await rm(directory, { recursive: true, force: true });
    });
    return new BreakingDisk(path, directory);
  }

  /** As ext4 does by itself when its disk fails. What was written so far is on it. */
  async breakDown(): Promise<void> {
    await run("sync", ["-f", this.path]);
    await run("mount", ["-o", "remount,abort", this.path]);
  }

  /** A repaired copy takes its place; files that are open stay those of the broken one. */
  async replace(): Promise<void> {
    const copy = join(this.#directory, "copy");
    await copyFile(join(this.#directory, "image"), copy);
    // 1: errors were corrected.
    await run("e2fsck", ["-fy", copy]).catch((error: { code?: number }) => {
      if (error.code !== 1) throw error;
    });
    await run("mount", ["-o", "loop", copy, this.path]);
  }
}

async function makeImage(path: string): Promise<void> {
  await writeFile(path, "");
  await truncate(path, BYTES);
  await run("mkfs.ext4", ["-q", "-E", "root_owner=0:0", path]);
}
