import { systemClock } from "../../src/base/clock.ts";
import { openInputLines } from "../../src/runtime/standard-input.ts";

/** Waits for lines as long as its arguments say, one after the other in milliseconds, and prints what came. */
const input = openInputLines(systemClock);
for (const limit of process.argv.slice(2)) {
  process.stdout.write(`${JSON.stringify((await input.next(Number(limit))) ?? null)}\n`);
}
process.exit(0);
