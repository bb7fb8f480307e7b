import { spawn } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Measurement, repetitions } from "./figure.ts";
import { CLEAN_ENVIRONMENT, exitOf, until } from "./processes.ts";
import { sampleSecrets, writeSampleLog } from "./sample-log.ts";
import { assertGood, Site } from "./site.ts";

const SECRETS = 50;
const BYTES = 200_000_000;
const COPY = "process.stdin.pipe(require('node:fs').createWriteStream(process.argv[1]))";

/** A log's whole way: the program's pipe, mask, file, wire, the gateway's store, acknowledgement. */
export const logPath: Measurement = {
  name: "log-path",
  async measure(bench) {
    const directory = join(bench.directory, "log-path");
    const site = await Site.open(bench.executable, directory);
    try {
      const secrets = sampleSecrets(SECRETS);
      for (const [index, value] of secrets.entries()) await writeFile(join(site.secrets, `s${index}`), value);
      const source = join(directory, "source.log");
      const bytes = await writeSampleLog(source, BYTES / bench.scale, secrets);
      const runner = await site.startRunner(["/bin/cat", source], { RUN_LOG_LIMIT_MB: "1000" });
      await runner.ready();
      const references = Object.fromEntries(secrets.map((_, index) => [`s${index}`, `secret:/s${index}`]));
      const pipelineId = await site.deploy({ config: references });
      const [whole, masked, copied]: [number[], number[], number[]] = [[], [], []];
      for (let count = repetitions(3, bench.scale, 1); count > 0; count--) {
        copied.push(await copyRate(source, join(directory, "copy"), bytes));
        const since = performance.now();
        const runId = await site.order(pipelineId);
        const ended = await site.success(runId, 300_000, 50);
        masked.push(megabytesPerSecond(bytes, since));
        await until(
          "the log's arrival",
          async () => {
            const { logBytes } = assertGood(await site.run(runId)) ?? ended;
            return logBytes === ended.logEnd?.bytes || undefined;
          },
          300_000,
          50,
        );
        whole.push(megabytesPerSecond(bytes, since));
      }
      const baseline = { name: "node copies the pipe to a file", samples: copied };
      return [
        { name: "log path: pipe to acknowledged", unit: "MB/s", samples: whole, target: { atLeast: 50 }, baseline },
        { name: "log path: pipe to file", unit: "MB/s", samples: masked, baseline },
      ];
    } finally {
      await site.close();
      await rm(directory, { recursive: true, force: true });
    }
  },
};

/** The same bytes through a pipe into a file, by the bare runtime. */
async function copyRate(source: string, target: string, bytes: number): Promise<number> {
  const since = performance.now();
  const pipe = `exec cat "$1" | "$2" -e "$3" "$4"`;
  const args = ["-c", pipe, "sh", source, process.execPath, COPY, target];
  const code = await exitOf(spawn("/bin/sh", args, { env: CLEAN_ENVIRONMENT, stdio: "ignore" }));
  if (code !== 0) throw new Error(`Cannot measure: the copy ended with ${code}`);
  const rate = megabytesPerSecond(bytes, since);
  await rm(target, { force: true });
  return rate;
}

function megabytesPerSecond(bytes: number, since: number): number {
  return bytes / 1e6 / ((performance.now() - since) / 1000);
}
