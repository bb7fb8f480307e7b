import { systemClock } from "../base/clock.ts";
import { CodedError, describeError, errorCode, explainError } from "../base/errors.ts";
import { createLog } from "../base/log.ts";
import { evaluateSettings } from "../config/load.ts";
import { readSources } from "../config/read.ts";
import { gatewayVariable } from "../gateway/config.ts";
import { environment, writeError } from "../runtime/system.ts";

/**
 * Tells why a command ended: code, message and next step in lines for people, or as one line of the log where runner or gateway were
 * told to write JSON, so that what collects their log gets nothing else. What isn't an error of ours has its stack.
 */
export async function tellFailure(error: unknown, args: readonly string[]): Promise<void> {
  const stack = error instanceof CodedError ? "" : String((error as Error).stack);
  if (!(await writesJson(args)))
    return writeError(
      [explainError(error), stack]
        .filter(Boolean)
        .map((part) => `${part}\n`)
        .join(""),
    );
  const lines: string[] = [];
  createLog({ clock: systemClock, level: "error", format: "json", write: (line) => void lines.push(line) }).error(
    describeError(error),
    { code: errorCode(error), next: error instanceof CodedError ? error.advice : undefined, stack: stack || undefined },
  );
  await writeError(lines.join(""));
}

async function writesJson([name, ...rest]: readonly string[]): Promise<boolean> {
  const variables = environment();
  const at = rest.findIndex((word) => word === "--log-format" || word.startsWith("--log-format="));
  const flag = at < 0 ? undefined : (rest[at]?.split("=")[1] ?? rest[at + 1]);
  if (name === "gateway") {
    return rest.includes("--json") || (flag ?? variables[gatewayVariable("logFormat")])?.toLowerCase() === "json";
  }
  if (name !== "run") return false;
  try {
    return evaluateSettings((await readSources(rest)).sources).values.logFormat === "json";
  } catch {
    return (flag ?? variables["LOG_FORMAT"])?.toLowerCase() === "json";
  }
}
