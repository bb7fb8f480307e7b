import { errorCode } from "../base/errors.ts";

/**
 * The next step after a file or directory couldn't be made, read or written, by the system's (or SQLite's) error; undefined when
 * nothing is known that fits better than the error kind's own advice. `instead` names another place, such as "name another place with --directory".
 */
export function storageAdvice(error: unknown, instead: string): string | undefined {
  switch (isFull(error) ? "ENOSPC" : errorCode(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return `Free space on its file system, or ${instead}; what waits for room goes on by itself then`;
    case "EROFS":
      return `The file system is read-only: mount it writable, or ${instead}`;
    case "EACCES":
    case "EPERM":
      return `Give this user the right to write there, or ${instead}`;
    case "ENOTDIR":
    case "EEXIST":
      return `It is a file, or lies behind one, where a directory is needed: move the file away, or ${instead}`;
    case "EISDIR":
      return `It is a directory where a file is needed: move it away, or ${instead}`;
    case "ENOENT":
      return `A part of the path is a link that leads nowhere, or takes no new directories (as /proc): ${instead}`;
    case "EMFILE":
    case "ENFILE":
      return "Raise the limit of open files (ulimit -n, LimitNOFILE)";
    default:
      return undefined;
  }
}

/** SQLite tells a full disk by its own number (SQLITE_FULL). */
function isFull(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === 13;
}
