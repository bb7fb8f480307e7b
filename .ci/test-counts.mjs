/*
 * Prints "<passed> <failed>" of a vitest run, from its JSON report and its exit code.
 * A file that couldn't be loaded counts as one failure, and so does a run that failed for no test's sake.
 */

import { readFileSync } from "node:fs";

const [, , report, exitCode] = process.argv;
const { passed, failed } = counts();
const silent = exitCode !== "0" && failed === 0 ? 1 : 0;
process.stdout.write(`${passed} ${failed + silent}\n`);

function counts() {
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, "utf8"));
    const broken = testResults.filter(
      ({ status, assertionResults }) =>
        status === "failed" && !assertionResults.some((result) => result.status === "failed"),
    );
    return { passed: numPassedTests, failed: numFailedTests + broken.length };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
