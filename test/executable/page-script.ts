import { readFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * The commands of docs/first-pipeline.md as one script of bash, as they are printed, echoed before they run; it ends at the first
 * that fails, with what the two programs logged. `cluster` takes those of the part about a cluster too.
 */
export async function firstPipelineScript(part: "process" | "cluster"): Promise<string> {
  const page = await readFile(join(import.meta.dirname, "../../docs/first-pipeline.md"), "utf8");
  const blocks = [...page.matchAll(/^```sh( cluster)?\n([\s\S]*?)^```$/gm)];
  const taken = blocks
    .filter(([, cluster]) => part === "cluster" || cluster === undefined)
    .map(([, , text = ""]) => text);
  const told = "cat gateway.log runner.log >&2; kill $GATEWAY_PID $RUNNER_PID 2> /dev/null";
  return `set -eu -o pipefail\ntrap '${told}' EXIT\n${taken.join("\n")}`;
}
