/*
 * The tests that need a real Kubernetes cluster: `npm run test:cluster [-- VITEST ARGUMENTS]`, on the cluster that KUBECONFIG names.
 * They make namespaces of their own and remove them. What they use beyond the cluster is made here or by the tests and put on its
 * node; what can't be made is named in the first lines, with the tests that are skipped for it (docs/testing-on-a-cluster.md).
 */

import { spawn, spawnSync } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const INGESTION_IMAGE = "test.local/ingestion:1";
const MAKE_LIMIT_MS = 900_000;

await refuseWithoutCluster();
const tool = process.env["HYBRID_RUNNER_CLUSTER_TOOL"] ?? join(root, "../shared/cluster/cluster");
const hasTool = await isProgram(tool);
const env: Record<string, string | undefined> = { ...process.env };
if (hasTool) env["HYBRID_RUNNER_CLUSTER_TOOL"] = tool;
else say("no cluster tool (HYBRID_RUNNER_CLUSTER_TOOL)", "tests whose images aren't on the node fail");
if (isAsked("test/cluster/road.test.ts")) await provideIngestion();
if (!works("musl-gcc", "--version")) say("no musl-gcc", "the wrapper in an image with musl is not tested");
if (kubectl("get", "nodes", "-l", "type=fake", "-o", "name") === "")
  say("no nodes labelled type=fake", "400 runs at once on nodes without containers are not tested");

const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const args = [vitest, "run", "--config", join(root, "vitest.cluster.config.ts"), ...process.argv.slice(2)];
const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit", env });
child.once("exit", (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128);
});

/** True when vitest's arguments leave this file in. */
function isAsked(file: string): boolean {
  const names = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
  return names.length === 0 || names.some((name) => file.includes(name));
}

async function refuseWithoutCluster(): Promise<void> {
  const kubeconfig = process.env["KUBECONFIG"];
  if (kubeconfig === undefined || kubeconfig === "")
    refuse("KUBECONFIG is not set. Name the kubeconfig of a cluster for tests");
  for (const file of kubeconfig.split(":"))
    await access(file).catch(() => refuse(`${file}, which KUBECONFIG names, can't be read`));
  if (!works("kubectl", "version")) refuse("kubectl isn't here, or the cluster doesn't answer it");
}

/** OpenMetadata's real ingestion: the image that is named, or is on the node, or can be made. */
async function provideIngestion(): Promise<void> {
  if (process.env["HYBRID_RUNNER_TEST_INGESTION_IMAGE"] !== undefined) return;
  if (hasTool && output(tool, "ctr", "images", "ls", "-q").split("\n").includes(INGESTION_IMAGE)) {
    env["HYBRID_RUNNER_TEST_INGESTION_IMAGE"] = INGESTION_IMAGE;
    return;
  }
  const skipped = "the whole road with the real ingestion and a PostgreSQL is not tested";
  const maker = process.env["HYBRID_RUNNER_INGESTION_IMAGE_TOOL"] ?? join(dirname(tool), "../ingestion-image/build");
  if (!(await isProgram(maker))) {
    say(
      `no image with OpenMetadata's ingestion, and no tool that makes it (HYBRID_RUNNER_INGESTION_IMAGE_TOOL)`,
      skipped,
    );
    return;
  }
  process.stdout.write("making the image with OpenMetadata's ingestion\n");
  if (spawnSync(maker, [], { stdio: ["ignore", "ignore", "inherit"], timeout: MAKE_LIMIT_MS }).status === 0)
    env["HYBRID_RUNNER_TEST_INGESTION_IMAGE"] = INGESTION_IMAGE;
  else say("the image with OpenMetadata's ingestion couldn't be made", skipped);
}

function refuse(why: string): never {
  process.stderr.write(`Cannot test on a cluster: ${why}.\n`);
  process.exit(2);
}

function say(missing: string, follows: string): void {
  process.stdout.write(`missing: ${missing}: ${follows}\n`);
}

function works(command: string, ...parts: readonly string[]): boolean {
  return spawnSync(command, parts, { stdio: "ignore", timeout: 60_000 }).status === 0;
}

function kubectl(...parts: readonly string[]): string {
  return output("kubectl", ...parts).trim();
}

/** What a command printed; nothing when it failed. */
function output(command: string, ...parts: readonly string[]): string {
  return spawnSync(command, parts, { encoding: "utf8", timeout: 60_000 }).stdout ?? "";
}

async function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
