import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { IMAGE_ARGUMENTS, IMAGE_ENTRYPOINT, writeRootFileSystem } from "../../scripts/image/root-file-system.ts";
import { DEFAULT_WRAPPER_IMAGE } from "../../src/runner/kubernetes-settings.ts";
import { builtExecutable } from "../executable/built-executable.ts";
import { clusterTool } from "./cluster-tool.ts";

let loaded: Promise<string> | undefined;

/**
 * The runner's image as it is in this checkout, on the node of the test cluster. Made once: its tag is the executable's hash.
 * HYBRID_RUNNER_TEST_WRAPPER_IMAGE names one that the cluster has already. Answers its name.
 */
export function wrapperImage(): Promise<string> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<string> {
  const given = process.env["HYBRID_RUNNER_TEST_WRAPPER_IMAGE"];
  if (given !== undefined && given !== "") return given;
  const executable = await builtExecutable();
  const hash = createHash("sha256");
  await pipeline(createReadStream(executable), hash);
  const name = `test.local/hybrid-runner:${hash.digest("hex").slice(0, 12)}`;
  if ((await clusterTool("ctr", "images", "ls", "-q").catch(() => "")).split("\n").includes(name)) return name;
  await put(executable, name);
  return name;
}

/** Puts the image of this checkout on the node under the name that a runner uses when none is set, over what has that name there. */
export async function putReleasedImage(): Promise<void> {
  await put(await builtExecutable(), `docker.io/library/${DEFAULT_WRAPPER_IMAGE}`);
}

async function put(executable: string, name: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), "wrapper-image-"));
  try {
    const [root, tar] = [join(work, "root"), join(work, "image.tar")];
    await writeRootFileSystem(executable, root);
    await clusterTool("image", tar, name, root, ...IMAGE_ENTRYPOINT, ...IMAGE_ARGUMENTS);
    await clusterTool("load", tar);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
