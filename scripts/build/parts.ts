import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { RunIntent } from "../../src/executor/process/run-records.ts";
import { bundle } from "./bundle.ts";
import { RUNTIME_FLAGS } from "./executable.ts";

/** The program, cut up: a first script, and for each part its code and its compiled form as assets by name. */
export interface Parts {
  readonly main: string;
  readonly assets: Readonly<Record<string, Uint8Array>>;
  /** Bytes of code, what several parts share counted in each. */
  readonly bytes: number;
}

/** How a part is run at the build, so that its compiled form holds the functions that a start calls. */
interface WarmUp {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Limit for one warm-up; those that don't end by themselves are ended by compile-part.cjs. */
const LIMIT_MS = 60_000;

const OTHERS = "others";

/** Commands with a part of their own: those whose start is waited for, and the wrapper that each run starts. */
const WARM_UPS: Readonly<Record<string, (work: string) => Promise<WarmUp>>> = {
  run: async (work) => ({
    args: ["run"],
    env: {
      // Nobody listens there: it goes as far as a refused dial.
      SERVER_URL: "ws://127.0.0.1:9",
      AUTH_TOKEN: "build",
      DATA_DIRECTORY: join(work, "runner"),
      INGESTION_COMMAND: '["/bin/true"]',
      METRICS_SERVER_PORT: "0",
    },
  }),
  exec: async (work) => ({
    args: ["exec", "--run-directory", await runDirectory(work)],
    env: { HYBRID_RUNNER_SECRET_PASSWORD: "of the build" },
  }),
  gateway: async (work) => ({
    args: ["gateway", "--port", "0", "--data-directory", join(work, "gateway")],
    env: {},
  }),
  [OTHERS]: async () => ({ args: ["help"], env: {} }),
};

/** Bundles and compiles every part in the directory `work`. @throws Error when a part can't be bundled or doesn't run at all */
export async function makeParts(root: string, work: string): Promise<Parts> {
  const own = Object.keys(WARM_UPS).filter((part) => part !== OTHERS);
  const assets: Record<string, Uint8Array> = {};
  let bytes = 0;
  for (const [part, warmUp] of Object.entries(WARM_UPS)) {
    // Help and completion look at every command, so the last part holds them all.
    const wanted = (file: string): boolean => part === OTHERS || file === part || file.startsWith(`${part}-`);
    const { code } = await bundle(root, "src/main.ts", wanted);
    const [source, compiled] = [`${part}.cjs`, `${part}.cache`];
    const text = `(function (require, __filename) {${code}\n})`;
    await writeFile(join(work, source), text);
    await compile(work, source, compiled, await warmUp(work));
    assets[source] = new TextEncoder().encode(text);
    assets[compiled] = new Uint8Array(await readFile(join(work, compiled)));
    bytes += text.length;
  }
  const main = await readFile(join(import.meta.dirname, "load-part.cjs"), "utf8");
  return { main: main.replace("PART_NAMES", JSON.stringify(own)), assets, bytes };
}

async function compile(work: string, source: string, compiled: string, { args, env }: WarmUp): Promise<void> {
  const script = join(import.meta.dirname, "compile-part.cjs");
  await promisify(execFile)(process.execPath, [...RUNTIME_FLAGS, script, source, compiled, ...args], {
    cwd: work,
    env: { ...env, PATH: "/usr/bin:/bin", HOME: work },
    timeout: LIMIT_MS,
  });
}

/** A run of the process executor as its runner would have stored it. */
async function runDirectory(work: string): Promise<string> {
  const directory = join(work, "runs", crypto.randomUUID());
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const intent: RunIntent = {
    version: 1,
    createdAt: Date.now(),
    spec: {
      runId: crypto.randomUUID(),
      attempt: 1,
      pipelineId: crypto.randomUUID(),
      pipelineName: "build",
      fullyQualifiedName: "build.build",
      pipelineType: "metadata",
      config: { source: { password: "secret:/password" } },
      startBefore: Date.now() + LIMIT_MS,
    },
    command: ["/bin/echo", "a line of the build"],
    environment: { PATH: "/usr/bin:/bin" },
    workingDirectory: work,
    secrets: { provider: "env", prefix: "HYBRID_RUNNER_SECRET_" },
    graceMs: 1000,
    mark: crypto.randomUUID(),
  };
  await writeFile(join(directory, "intent.json"), JSON.stringify(intent), { mode: 0o600 });
  return directory;
}
