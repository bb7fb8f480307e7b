import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { builtExecutable } from "../../executable/built-executable.ts";
import { firstPipelineScript } from "../../executable/page-script.ts";
import { temporaryDirectory } from "../../fakes/temporary-directory.ts";
import { kubectl } from "../cluster-tool.ts";
import { wrapperImage } from "../wrapper-image.ts";

const IMAGE = process.env["HYBRID_RUNNER_TEST_SHELL_IMAGE"] ?? "test.local/busybox:1";

test("docs/first-pipeline.md leads to success in a cluster too, its commands run as they are printed", async () => {
  const home = await temporaryDirectory();
  onTestFinished(async () => {
    await kubectl("delete", "namespace", "first-pipeline", "--wait=false", "--ignore-not-found");
  });
  const { stdout } = await promisify(execFile)("bash", ["-c", await firstPipelineScript("cluster")], {
    cwd: home,
    env: {
      HOME: home,
      PATH: `${dirname(await builtExecutable())}:${process.env["PATH"] ?? ""}`,
      KUBECONFIG: process.env["KUBECONFIG"],
      IMAGE,
      WRAPPER_IMAGE: await wrapperImage(),
    },
    timeout: 170_000,
  });
  expect(stdout.match(/"state":"success"/g), stdout).toHaveLength(2);
  expect(stdout.match(/\[redacted\]/g)?.length).toBeGreaterThan(1);
  expect(stdout).not.toContain("correct horse");
});
