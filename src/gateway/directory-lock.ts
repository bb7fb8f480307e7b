import { CodedError, describeError } from "../base/errors.ts";
import { type ExclusiveLock, takeExclusiveLock } from "../runtime/exclusive-lock.ts";
import { joinPath, readTextIfExists, writeDurably } from "../runtime/files.ts";
import { storageAdvice } from "../runtime/storage-advice.ts";
import { processId } from "../runtime/system.ts";
import { GATEWAY_ERRORS } from "./errors.ts";

/**
 * Makes sure that one gateway works on a data directory: of two, each would offer its own runs to its own runners. The lock ends with
 * the process, however that ends; `gateway.pid` beside it only tells people who has it. Commands beside a live gateway need no lock.
 * @throws CodedError GatewayRunsAlready, GatewayDirectoryUnusable
 */
export async function lockGatewayData(path: string): Promise<ExclusiveLock> {
  const pidFile = joinPath(path, "gateway.pid");
  let lock: ExclusiveLock | undefined;
  try {
    lock = await takeExclusiveLock(joinPath(path, "gateway-lock.sqlite"));
    if (lock !== undefined) await writeDurably(pidFile, `${processId()}\n`);
  } catch (cause) {
    lock?.release();
    throw new CodedError(
      GATEWAY_ERRORS.GatewayDirectoryUnusable,
      `Cannot use the data directory ${path}: ${describeError(cause)}`,
      { advice: directoryAdvice(cause) },
    );
  }
  if (lock !== undefined) return lock;
  const pid = (await readTextIfExists(pidFile))?.trim() || "unknown";
  throw new CodedError(
    GATEWAY_ERRORS.GatewayRunsAlready,
    `Cannot start a gateway on the data directory ${path}: the gateway of process ${pid} has it`,
  );
}

/** What to do when a file of the gateway can't be made or used, by the system's error. */
export function directoryAdvice(cause: unknown): string {
  const advice = storageAdvice(cause, "name another place with --data-directory");
  return advice ?? GATEWAY_ERRORS.GatewayDirectoryUnusable.advice;
}
