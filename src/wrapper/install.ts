import { CodedError, errorCode } from "../base/errors.ts";
import { EXECUTABLE_FILE, LOADER_FILE } from "../executor/pods/wrapper/wrapper-place.ts";
import { copyFiles, freeBytes } from "../runtime/copy-files.ts";
import { fileSize, joinPath, listDirectory } from "../runtime/files.ts";
import { WRAPPER_ERRORS } from "./errors.ts";

/** Anybody may read and start them, nobody may change them. */
const MODE = 0o555;

/** What was copied. */
export interface Installed {
  readonly files: readonly string[];
  readonly bytes: number;
}

/**
 * Copies the wrapper (executable, loader, libraries: all files of `source`) into the directory `target`, which exists. May be
 * called again. @throws CodedError InstallFailed
 */
export async function installWrapper(source: string, target: string): Promise<Installed> {
  try {
    const files = await listDirectory(source);
    const missing = [LOADER_FILE, EXECUTABLE_FILE].find((name) => !files.includes(name));
    if (missing !== undefined) {
      throw failed(source, target, `there is no ${missing} in ${source}, so this isn't the runner's image`);
    }
    const sizes = await Promise.all(files.map((name) => fileSize(joinPath(source, name))));
    const bytes = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
    const free = await freeBytes(target);
    if (free < bytes) throw failed(source, target, `${megabytes(bytes)} are needed, and ${megabytes(free)} are free`);
    await copyFiles(files, source, target, MODE);
    return { files, bytes };
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw failed(source, target, inWords(errorCode(error) ?? "an unknown error", target));
  }
}

function inWords(code: string, target: string): string {
  if (code === "ENOENT") return `there is no ${target}`;
  if (code === "ENOTDIR") return `${target} is not a directory`;
  if (code === "EACCES" || code === "EPERM") return `this user may not write to ${target}`;
  if (code === "EROFS") return `${target} is read-only`;
  if (code === "ENOSPC" || code === "EDQUOT") return `${target} is full`;
  return `the system answers ${code}`;
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1_000_000)} MB`;
}

function failed(source: string, target: string, state: string): CodedError {
  return new CodedError(WRAPPER_ERRORS.InstallFailed, `Cannot copy the wrapper from ${source} to ${target}: ${state}`);
}
