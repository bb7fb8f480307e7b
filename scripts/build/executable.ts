import { execFile } from "node:child_process";
import { mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/**
 * Flags the executable always runs with. They are the build's flags too: V8 takes the code cache only
 * from a process whose flags were the same.
 */
const RUNTIME_FLAGS: readonly string[] = ["--disable-warning=ExperimentalWarning"];

/** Limit for Node to write the executable. */
const LIMIT_MS = 120_000;

/**
 * Makes a single executable application of a CommonJS bundle with this very Node: runtime, code and its
 * compiled form in one file. It is moved in place whole, so a running one isn't disturbed. Answers its size in bytes.
 */
export async function makeExecutable(code: string, output: string): Promise<number> {
  const work = await mkdtemp(join(dirname(output), ".build-"));
  try {
    // Paths relative to the work directory, so that none of this machine shows in stack traces.
    await writeFile(join(work, "hybrid-runner.cjs"), code);
    await writeFile(join(work, "sea.json"), JSON.stringify(seaConfig("hybrid-runner.cjs", "hybrid-runner")));
    await promisify(execFile)(process.execPath, [...RUNTIME_FLAGS, "--build-sea=sea.json"], {
      cwd: work,
      env: {},
      timeout: LIMIT_MS,
    });
    await rename(join(work, "hybrid-runner"), output);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return (await stat(output)).size;
}

function seaConfig(main: string, output: string): Record<string, unknown> {
  return {
    main,
    mainFormat: "commonjs",
    output,
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: true,
    execArgv: RUNTIME_FLAGS,
    // NODE_OPTIONS of the place where it runs is none of its business.
    execArgvExtension: "none",
  };
}
