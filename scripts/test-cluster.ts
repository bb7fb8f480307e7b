/*
 * The tests that need a real Kubernetes cluster: `npm run test:cluster [-- VITEST ARGUMENTS]`, on the cluster that KUBECONFIG names.
 * They make namespaces of their own and remove them. The node must have the images that docs/testing-on-a-cluster.md lists;
 * with HYBRID_RUNNER_CLUSTER_TOOL (a program that takes `load IMAGE.tar`) they are put there.
 */

import { spawn } from "node:child_process";
import { access } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const kubeconfig = process.env["KUBECONFIG"];
if (kubeconfig === undefined || kubeconfig === "") {
  process.stderr.write(
    "Cannot test on a cluster: KUBECONFIG is not set. Name the kubeconfig of a cluster for tests.\n",
  );
  process.exit(2);
}
for (const file of kubeconfig.split(":")) {
  await access(file).catch(() => {
    process.stderr.write(`Cannot test on a cluster: ${file}, which KUBECONFIG names, can't be read.\n`);
    process.exit(2);
  });
}
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const args = [vitest, "run", "--config", join(root, "vitest.cluster.config.ts"), ...process.argv.slice(2)];
const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
child.once("exit", (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128);
});
