import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { builtExecutable } from "./built-executable.ts";
import { firstPipelineScript } from "./page-script.ts";

/* The page's ports are free in a network of one's own, which root may make; test/cluster has the part about a cluster. */

const call = promisify(execFile);
const missing = await call("unshare", ["--net", "true"]).then(
  () => undefined,
  (error: unknown) =>
    `a network of its own can't be made here: ${error instanceof Error ? error.message.trim() : error}`,
);

test("docs/first-pipeline.md leads from nothing to success, its commands run as they are printed", async (context) => {
  if (missing !== undefined) return context.skip(missing);
  const home = await temporaryDirectory();
  const script = await firstPipelineScript("process");
  const path = `${dirname(await builtExecutable())}:${process.env["PATH"] ?? ""}`;
  const { stdout } = await call("unshare", ["--net", "bash", "-c", `ip link set lo up\n${script}`], {
    cwd: home,
    env: { HOME: home, PATH: path },
    timeout: 300_000,
  });
  expect(stdout).toContain('"state":"success"');
  expect(stdout).toContain("type metadata");
  expect(stdout).toContain("[redacted]");
  expect(stdout).not.toContain("correct horse");
});
