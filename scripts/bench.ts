/*
 * Measures the executable against the targets of docs/performance.md, each next to a baseline of the same minute on the same machine.
 *
 *   npm run bench -- [kubernetes] [--only NAME]… [--json] [--strict] [--scale N] [--document]
 *
 * With `kubernetes`, what is measured on the cluster that KUBECONFIG names. Exit code 2: it was asked for what can't be measured here.
 * A figure that misses its target is told; with --strict it makes the exit code 1, as a measurement that can't be made always does.
 */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeDocument } from "./bench/document.ts";
import { builtExecutable, emptyExecutable } from "./bench/executables.ts";
import { type BenchContext, type Figure, type Measurement, verdictOf } from "./bench/figure.ts";
import { clusterLines, clusterMissing } from "./bench/kubernetes/cluster.ts";
import { isQuiet, machineLines } from "./bench/machine.ts";
import { GROUPS, type GroupName } from "./bench/measurements.ts";
import { jsonRows, textTable } from "./bench/table.ts";

const root = join(import.meta.dirname, "..");

// What it has started is ended on the way out.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: "string", multiple: true },
      json: { type: "boolean", default: false },
      strict: { type: "boolean", default: false },
      scale: { type: "string", default: "1" },
      document: { type: "boolean", default: false },
    },
  });
  const scale = Number(values.scale);
  if (!(scale >= 1)) throw new Error("Cannot measure: --scale must be 1 or more; it divides the repetitions");
  const wanted = chosen(positionals, values.only);
  if (values.document && (values.only !== undefined || scale !== 1)) {
    throw new Error("Cannot write the document: it takes whole runs only, without --only and --scale");
  }
  const onCluster = wanted.some((measurement) => GROUPS.kubernetes.includes(measurement));
  const missing = onCluster ? clusterMissing(process.env) : undefined;
  if (missing !== undefined) {
    say(missing);
    return 2;
  }
  if (!isQuiet()) say("others work on this machine now: the figures will be worse than they are");

  await mkdir(join(root, "build"), { recursive: true });
  const directory = await mkdtemp(join(root, "build", "bench-"));
  try {
    const executable = await builtExecutable(root);
    const machine = [...(await machineLines(executable, directory)), ...(onCluster ? await clusterLines() : [])];
    const bench: BenchContext = { executable, empty: await emptyExecutable(directory), directory, scale, say };
    const { figures, failed } = await measure(bench, wanted);
    if (values.json) process.stdout.write(`${JSON.stringify({ machine, figures: jsonRows(figures) }, null, 2)}\n`);
    else process.stdout.write(`${machine.join("\n")}\n\n${textTable(figures)}`);
    if (failed) return 1;
    if (values.document)
      await writeDocument(join(root, "docs", "performance.md"), groupOf(positionals), figures, machine);
    const missed = figures.some((figure) => ["over", "under"].includes(verdictOf(figure)));
    return values.strict && missed ? 1 : 0;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Those of the group, or those that are named, of whichever group. @throws Error for a name that nothing has */
function chosen(positionals: readonly string[], only: readonly string[] | undefined): readonly Measurement[] {
  const group = GROUPS[groupOf(positionals)];
  if (only === undefined) return group;
  const all = Object.values(GROUPS).flat();
  const unknown = only.filter((name) => !all.some((measurement) => measurement.name === name));
  const names = all.map(({ name }) => name).join(", ");
  if (unknown.length > 0) throw new Error(`Cannot measure ${unknown.join(", ")}: there are ${names}`);
  return all.filter(({ name }) => only.includes(name));
}

function groupOf([name = "alone", ...more]: readonly string[]): GroupName {
  if (more.length > 0 || !(name in GROUPS)) {
    throw new Error(
      `Cannot measure ${[name, ...more].join(" ")}: there are the groups ${Object.keys(GROUPS).join(", ")}`,
    );
  }
  return name as GroupName;
}

async function measure(
  bench: BenchContext,
  wanted: readonly Measurement[],
): Promise<{ readonly figures: readonly Figure[]; readonly failed: boolean }> {
  const figures: Figure[] = [];
  let failed = false;
  for (const measurement of wanted) {
    say(`${measurement.name} …`);
    try {
      figures.push(...(await measurement.measure(bench)));
    } catch (error) {
      failed = true;
      say(`${measurement.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  return { figures, failed };
}

/** To standard error, so that the table stays alone. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
