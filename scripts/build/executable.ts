import { execFile } from "node:child_process";
import { copyFile, mkdtemp, open, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/**
 * Flags the executable always runs with. They are the build's flags too: V8 takes the code cache only
 * from a process whose flags were the same.
 */
export const RUNTIME_FLAGS: readonly string[] = [
  "--disable-warning=ExperimentalWarning",
  // The signal would open a debugger that asks nobody for a password (src/runtime/guard-process.ts).
  "--disable-sigusr1",
  // NODE_USE_ENV_PROXY=1 of the place where it runs: proxies are read by us, and a proxy without a scheme would end the runtime.
  "--no-use-env-proxy",
  // Megabytes. By default the young generation grows to 48 while much is made and thrown away, and stays so: reading 10,000
  // pipelines at the start leaves 22 MB more resident then, a wrapper whose program floods has 6 more.
  "--max-semi-space-size=2",
];

/** Limit for Node to write the executable. */
const LIMIT_MS = 120_000;

/**
 * Makes a single executable application of a CommonJS script and its assets with this very Node: everything in one file.
 * It is moved in place whole, so a running one isn't disturbed. Answers its size in bytes.
 */
export async function makeExecutable(
  main: string,
  output: string,
  assets: Readonly<Record<string, Uint8Array>> = {},
): Promise<number> {
  const work = await mkdtemp(join(dirname(output), ".build-"));
  try {
    // Paths relative to the work directory, so that none of this machine shows in stack traces.
    await writeFile(join(work, "hybrid-runner.cjs"), main);
    for (const [name, bytes] of Object.entries(assets)) await writeFile(join(work, name), bytes);
    const config = seaConfig("hybrid-runner.cjs", "hybrid-runner", Object.keys(assets));
    await writeFile(join(work, "sea.json"), JSON.stringify(config));
    await promisify(execFile)(process.execPath, [...RUNTIME_FLAGS, "--build-sea=sea.json"], {
      cwd: work,
      env: {},
      timeout: LIMIT_MS,
    });
    await settle(join(work, "hybrid-runner"), join(work, "settled"));
    await rename(join(work, "settled"), output);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return (await stat(output)).size;
}

/**
 * Copies a file piece by piece and brings it to the disk. Measured: straight after Node has written it, an empty executable has
 * 75 MB resident, and its copy 41, as the same file has once it has left the page cache. Presumably Linux caches what was written
 * in one call in large pieces, and a touch makes a whole one resident.
 */
async function settle(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const file = await open(to, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function seaConfig(main: string, output: string, assets: readonly string[]): Record<string, unknown> {
  return {
    main,
    mainFormat: "commonjs",
    output,
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: true,
    assets: Object.fromEntries(assets.map((name) => [name, name])),
    execArgv: RUNTIME_FLAGS,
    // NODE_OPTIONS of the place where it runs is none of its business.
    execArgvExtension: "none",
  };
}
