import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { clusterTool } from "./cluster-tool.ts";

const NAME = "test.local/hybrid-runner-test-musl:1";
const COMPILER = "musl-gcc";
const SOURCE = join(import.meta.dirname, "musl-program.c");
const LOADERS: Readonly<Record<string, string>> = { x64: "ld-musl-x86_64.so.1", arm64: "ld-musl-aarch64.so.1" };

/** The program of the image: test/cluster/musl-program.c. */
export const MUSL_COMMAND: readonly string[] = ["/main"];

/** An image whose only C library is musl, on the node of the test cluster. Answers its name; undefined where there is no musl to make it with. */
export async function muslImage(): Promise<string | undefined> {
  const loader = LOADERS[process.arch];
  const library = loader === undefined ? undefined : await realpath(join("/lib", loader)).catch(() => undefined);
  if (loader === undefined || library === undefined) return undefined;
  const work = await mkdtemp(join(tmpdir(), "musl-image-"));
  try {
    const [root, tar] = [join(work, "root"), join(work, "image.tar")];
    await mkdir(join(root, "lib"), { recursive: true });
    await copyFile(library, join(root, "lib", loader));
    const isCompiled = await promisify(execFile)(COMPILER, ["-o", join(root, "main"), SOURCE]).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return false;
        throw error;
      },
    );
    if (!isCompiled) return undefined;
    await clusterTool("image", tar, NAME, root);
    await clusterTool("load", tar);
    return NAME;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
