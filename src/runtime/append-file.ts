import { closeSync, fchmodSync, openSync, writeSync } from "node:fs";
import * as fs from "node:fs/promises";
import { dirname } from "node:path";
import { makeDirectory } from "./make-directory.ts";
import { pathKind } from "./regular-file.ts";

/** A file that only grows, written before the call returns. */
export interface SynchronousAppendFile {
  /** Hands the text to the operating system before it answers, so that it outlives a kill of this process. */
  append(text: string): void;
  /** Later texts are dropped. */
  close(): void;
}

/**
 * Opens a file for appending, readable by its owner only; it and its directory are made when missing. A pipe or a device is refused:
 * it could hold up whoever opens it, and its mode is others' business.
 */
export async function openSynchronousAppendFile(path: string): Promise<SynchronousAppendFile> {
  await makeDirectory(dirname(path));
  const found = await pathKind(path);
  if (found === "other") throw new Error("it is a pipe or a device, and no file");
  const descriptor = openSync(path, "a", 0o600);
  fchmodSync(descriptor, 0o600);
  let open = true;
  return {
    append: (text) => {
      if (open) writeSync(descriptor, text);
    },
    close: () => {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}

/** A file that only grows. */
export interface AppendFile {
  /** Appends bytes and tells how many were taken; fewer than given when the disk became full. @throws the system's error */
  write(bytes: Uint8Array): Promise<number>;
  /** Brings what was written to the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a file for appending, made with mode 0600 when there is none. */
export async function openAppendFile(path: string): Promise<AppendFile> {
  const handle = await fs.open(path, "a", 0o600);
  return {
    write: async (bytes) => (await handle.write(bytes, 0, bytes.length)).bytesWritten,
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}

/** Cuts a file to `size` bytes. */
export async function cutFile(path: string, size: number): Promise<void> {
  await fs.truncate(path, size);
}
