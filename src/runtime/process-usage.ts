import { readdirSync } from "node:fs";

/** What this process uses, as the system counts it. */
export interface ProcessUsage {
  /** Memory of the language's heap that is in use, in bytes. */
  readonly heapBytes: number;
  /** Memory that is in the machine's memory now, in bytes. */
  readonly residentBytes: number;
  /** Processor time used since the start, in seconds. */
  readonly cpuSeconds: number;
  /** Open files and sockets; undefined where the system doesn't tell. */
  readonly openFiles: number | undefined;
}

/** Reads what this process uses now. */
export function processUsage(): ProcessUsage {
  const { heapUsed, rss } = process.memoryUsage();
  return { heapBytes: heapUsed, residentBytes: rss, cpuSeconds: cpuSeconds(), openFiles: openFiles() };
}

/** Processor time used since the start, in seconds. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function openFiles(): number | undefined {
  try {
    // One of them is the directory that is being read.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return undefined;
  }
}
