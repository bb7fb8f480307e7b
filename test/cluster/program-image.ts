import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { clusterTool } from "./cluster-tool.ts";

const PROGRAM = join(import.meta.dirname, "../executor/program.mjs");
/** What the program calls beside Node: a shell and a few tools, all of them busybox. */
const TOOLS = ["sh", "sleep", "setsid", "echo", "cat", "env", "true"];

/** Program and arguments inside the image. */
export const PROGRAM_COMMAND: readonly string[] = ["/bin/node", "/program.mjs"];

let loaded: Promise<string> | undefined;

/**
 * An image with Node, a shell and test/executor/program.mjs, on the node of the test cluster. Made once: its tag is the program's hash.
 * Answers its name.
 */
export function programImage(): Promise<string> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<string> {
  const hash = createHash("sha256")
    .update(await readFile(PROGRAM))
    .update(process.version)
    .digest("hex")
    .slice(0, 12);
  const name = `test.local/hybrid-runner-test-program:${hash}`;
  if ((await clusterTool("ctr", "images", "ls", "-q").catch(() => "")).split("\n").includes(name)) return name;
  const root = await mkdtemp(join(tmpdir(), "program-image-"));
  try {
    for (const directory of ["bin", "tmp", "etc"]) await mkdir(join(root, directory));
    await chmod(join(root, "tmp"), 0o1777);
    await copyFile(process.execPath, join(root, "bin/node"));
    await copyFile(PROGRAM, join(root, "program.mjs"));
    for (const library of await libraries(process.execPath)) {
      await mkdir(join(root, dirname(library)), { recursive: true });
      await copyFile(library, join(root, library));
    }
    await copyFile(await findBusybox(), join(root, "bin/busybox"));
    for (const tool of TOOLS) await symlink("busybox", join(root, "bin", tool));
    const tar = join(root, "..", `${name.replace(/[^a-z0-9]/g, "-")}.tar`);
    await clusterTool("image", "--env", "PATH=/bin", tar, name, root);
    await clusterTool("load", tar);
    await rm(tar, { force: true });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  return name;
}

/** Shared libraries of a program, the loader among them. */
async function libraries(program: string): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)("ldd", [program]);
  return [...stdout.matchAll(/(\/\S+\.so\S*)/g)].map(([path]) => path);
}

async function findBusybox(): Promise<string> {
  for (const path of ["/bin/busybox", "/usr/bin/busybox"]) {
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  throw new Error("Cannot make the image of the test program: there is no static busybox here");
}
