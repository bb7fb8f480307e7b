import type { Reporter, TestCase } from "vitest/node";

/** Prints why a test was skipped, where the test says it. */
export default class SkipReporter implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    if (result.state === "skipped" && result.note !== undefined)
      process.stderr.write(`skipped: ${test.fullName}: ${result.note}\n`);
  }
}
