/* Many short runs under random faults: npm run chaos -- --runs 2000 --seed 7. Exit code 0 when nothing was lost, doubled or false. */

import { type ChaosOptions, readOptions, USAGE } from "./chaos/options.ts";
import { playRound, type RoundResult } from "./chaos/round.ts";

const SHOWN_VIOLATIONS = 30;

function table(title: string, counts: Readonly<Record<string, number>>): string {
  const rows = Object.entries(counts).map(([name, count]) => `  ${String(count).padStart(6)}  ${name}`);
  return `${title}\n${rows.join("\n")}\n`;
}

function print(result: RoundResult): void {
  const { faults, outcomes, violations, evidence } = result;
  process.stdout.write(table("\nfaults injected", faults));
  process.stdout.write(table("results of runs", outcomes));
  for (const violation of violations.slice(0, SHOWN_VIOLATIONS)) process.stdout.write(`VIOLATED  ${violation}\n`);
  if (violations.length > SHOWN_VIOLATIONS) process.stdout.write(`and ${violations.length - SHOWN_VIOLATIONS} more\n`);
  if (evidence !== undefined) process.stdout.write(`evidence: ${evidence}\n`);
  const verdict =
    violations.length === 0
      ? "0 lost, 0 duplicated, 0 falsely success, nothing left over"
      : `${violations.length} violations`;
  process.stdout.write(`seed ${result.seed}: ${result.runs} runs in ${result.seconds} s: ${verdict}\n`);
}

let options: ChaosOptions | undefined;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`);
  process.exitCode = 2;
}
if (options !== undefined) {
  const result = await playRound(options, (line) => void process.stderr.write(`${line}\n`));
  if (options.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else print(result);
  process.exitCode = result.violations.length === 0 ? 0 : 1;
}
