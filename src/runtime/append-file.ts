import { closeSync, fchmodSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** A file that only grows. */
export interface AppendFile {
  /** Hands the text to the operating system before it answers, so that it outlives a kill of this process. */
  append(text: string): void;
  /** Later texts are dropped. */
  close(): void;
}

/** Opens a file for appending, readable by its owner only; it and its directory are made when missing. */
export function openAppendFile(path: string): AppendFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
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
