import { CodedError, describeError, errorCode } from "../../base/errors.ts";
import { type ExclusiveLock, takeExclusiveLock } from "../../runtime/exclusive-lock.ts";
import { joinPath, makeDirectory, readTextIfExists, remove, writeDurably } from "../../runtime/files.ts";
import { storageAdvice } from "../../runtime/storage-advice.ts";
import { processId } from "../../runtime/system.ts";
import { EXECUTOR_ERRORS } from "../errors.ts";

/**
 * Makes sure that one runner works on a data directory. The lock ends with the process, however that ends;
 * `lock.pid` beside it only tells people who has it.
 * @throws CodedError DataDirectoryLocked, naming the holder; DataDirectoryUnwritable
 */
export async function lockDataDirectory(path: string): Promise<ExclusiveLock> {
  await proveWritable(path);
  const pidFile = joinPath(path, "lock.pid");
  let lock: ExclusiveLock | undefined;
  try {
    lock = await takeExclusiveLock(joinPath(path, "lock.sqlite"));
  } catch (error) {
    throw unwritable(path, error);
  }
  if (lock === undefined) {
    const pid = (await readTextIfExists(pidFile))?.trim() || "unknown";
    throw new CodedError(
      EXECUTOR_ERRORS.DataDirectoryLocked,
      `Cannot use data directory "${path}": process ${pid} has it`,
      { facts: { path, pid } },
    );
  }
  try {
    await writeDurably(pidFile, `${processId()}\n`);
  } catch (error) {
    lock.release();
    throw unwritable(path, error);
  }
  return lock;
}

/** Makes the data directory if need be and writes a file in it. @throws CodedError DataDirectoryUnwritable */
export async function proveWritable(path: string): Promise<void> {
  const probe = joinPath(path, `.probe-${crypto.randomUUID()}`);
  try {
    await makeDirectory(path);
    await writeDurably(probe, "\0".repeat(65_536));
  } catch (error) {
    throw unwritable(path, error);
  } finally {
    await remove(probe).catch(() => undefined);
  }
}

function unwritable(path: string, error: unknown): CodedError {
  const errno = errorCode(error) ?? "unknown error";
  const advice = dataDirectoryAdvice(error);
  return new CodedError(
    EXECUTOR_ERRORS.DataDirectoryUnwritable,
    `Cannot write to data directory "${path}": ${errno} (${describeError(error)})`,
    { facts: { path, errno }, ...(advice === undefined ? {} : { advice }) },
  );
}

/** The next step after a failed write, by the system's error; undefined when the error kind's own advice fits best. */
export function dataDirectoryAdvice(error: unknown): string | undefined {
  return storageAdvice(error, "set DATA_DIRECTORY to another place");
}
