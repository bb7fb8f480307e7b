import { readFile } from "node:fs/promises";
import { createProcessExecutor } from "../../../src/executor/process/process-executor.ts";
import { optionsFor } from "./process-options.ts";

/*
 * A runner small enough to be killed: opens the executor on a data directory, starts the run of a JSON file (if any) and follows it.
 * Arguments: data directory, file with { spec?, before?, selfCommand?, graceMs? }; the runs `before` end first, one after the other.
 */
const [data = "", job = ""] = process.argv.slice(2);
const { spec, before = [], ...changes } = JSON.parse(await readFile(job, "utf8"));
try {
  const executor = await createProcessExecutor({ ...optionsFor(data), ...changes });
  for (const first of before) {
    await executor.start(first);
    for await (const _ of executor.observe(first.runId, new AbortController().signal));
  }
  if (spec !== undefined) await executor.start(spec);
  process.stdout.write("ready\n");
  if (spec !== undefined) for await (const _ of executor.observe(spec.runId, new AbortController().signal));
  setInterval(() => undefined, 60_000);
} catch (error) {
  const { code, message, advice } = error as { code: string; message: string; advice: string };
  process.stdout.write(`${JSON.stringify({ code, message, advice })}\n`);
}
