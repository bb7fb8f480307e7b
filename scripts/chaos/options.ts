import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

/** What a round of chaos is told. */
export interface ChaosOptions {
  readonly runs: number;
  readonly seed: number;
  /** Runs that may be live at once. */
  readonly concurrency: number;
  /** Runs that may be ordered and not ended. */
  readonly queue: number;
  /** Mean pause between two faults. */
  readonly faultSeconds: number;
  /** One more run prints so many megabytes; 0 for none. */
  readonly largeOutputMegabytes: number;
  /** The command that starts the program, to which a role is added. */
  readonly program: readonly string[];
  readonly programName: string;
  readonly json: boolean;
  /** Keep the directory even when all is well. */
  readonly keep: boolean;
}

const ROOT = join(import.meta.dirname, "../..");

export const USAGE = `npm run chaos -- [--runs 2000] [--seed N] [--concurrency 12] [--queue 48] [--fault-seconds 2.5]
                  [--large-output MEGABYTES] [--program auto|source|PATH] [--keep] [--json]
Orders many short runs while runner, gateway, supervisors and programs are killed and lines are cut, then checks the world.`;

/** Reads the command line. @throws Error with words for people */
export function readOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: "string", default: "2000" },
      seed: { type: "string" },
      concurrency: { type: "string", default: "12" },
      queue: { type: "string", default: "48" },
      "fault-seconds": { type: "string", default: "2.5" },
      "large-output": { type: "string", default: "0" },
      program: { type: "string", default: "auto" },
      keep: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const number = (name: "runs" | "concurrency" | "queue" | "fault-seconds" | "large-output", least: number): number => {
    const value = Number(values[name]);
    if (!(value >= least && value <= 1_000_000)) throw new Error(`--${name} must be a number from ${least} on`);
    return value;
  };
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000_000) : Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error("--seed must be a whole number from 0 on");
  const programName = programOf(values.program);
  return {
    runs: Math.trunc(number("runs", 1)),
    seed,
    concurrency: Math.trunc(number("concurrency", 1)),
    queue: Math.trunc(number("queue", 1)),
    faultSeconds: number("fault-seconds", 0.05),
    largeOutputMegabytes: Math.trunc(number("large-output", 0)),
    programName,
    program: programName === "source" ? [process.execPath, join(ROOT, "src/main.ts")] : [resolve(programName)],
    json: values.json,
    keep: values.keep,
  };
}

const EXECUTABLE = join(ROOT, "dist", "hybrid-runner");

/** `source`, or the path of an executable. */
function programOf(name: string): string {
  if (name === "auto") {
    return existsSync(EXECUTABLE) && statSync(EXECUTABLE).mtimeMs > newestSource() ? EXECUTABLE : "source";
  }
  if (name === "source" || existsSync(name)) return name;
  throw new Error(`--program must be auto, source or the path of an executable; there is no ${name}`);
}

function newestSource(): number {
  const names = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  const times = names.filter((name) => name.endsWith(".ts")).map((name) => statSync(join(ROOT, "src", name)).mtimeMs);
  return Math.max(...times);
}
