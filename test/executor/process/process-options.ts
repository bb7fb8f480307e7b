import { fileURLToPath } from "node:url";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import type { ProcessExecutorOptions } from "../../../src/executor/process/process-executor.ts";
import { selfCommand } from "../../../src/runtime/system.ts";

/** Path of a file beside this one. */
export function beside(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Options of an executor on `data`, as a runner would set them; its program is program.mjs. */
export function optionsFor(data: string): ProcessExecutorOptions {
  return {
    dataDirectory: data,
    command: [process.execPath, beside("../program.mjs")],
    environment: { PATH: process.env["PATH"] ?? "", AUTH_TOKEN: "the runner's own" },
    secrets: { provider: "env" },
    graceMs: 1000,
    clock: systemClock,
    log: silentLog,
    selfCommand: selfCommand(),
  };
}
