import type { Clock } from "../base/clock.ts";
import { createLog, type Log } from "../base/log.ts";
import { supervisorLogPath } from "../executor/process/run-directory.ts";
import { openAppendFile } from "../runtime/append-file.ts";
import { writeError } from "../runtime/system.ts";

/** What a supervisor has to say about one run, and when all of it is written. */
export interface SupervisorLog {
  readonly log: Log;
  written(): Promise<void>;
}

/**
 * The supervisor's own words about a run. Its standard error is the file of its first run; for each later one
 * (`directory`) the file is made with the first line. A line that can't be written is dropped.
 */
export function openSupervisorLog(clock: Clock, directory?: string): SupervisorLog {
  let last: Promise<void> = Promise.resolve();
  const write = (line: string): void => {
    last = last.then(() => (directory === undefined ? writeError(line) : append(supervisorLogPath(directory), line)));
  };
  return { log: createLog({ clock, level: "info", format: "text", write }), written: () => last };
}

async function append(path: string, line: string): Promise<void> {
  try {
    const file = await openAppendFile(path);
    try {
      await file.write(new TextEncoder().encode(line));
    } finally {
      await file.close();
    }
  } catch {
    // There is nobody left to tell.
  }
}
