import { setFlagsFromString } from "node:v8";

/**
 * From now on the heap grows by at most so many percent before the collector looks for what isn't alive any more. By default V8 lets
 * it nearly triple, for speed. A runtime that has no such wish goes on as it is.
 *
 * It can't be a flag of the executable: V8 takes a compiled form only from a process whose flags were the same, and the other
 * roles want the speed.
 */
export function growHeapBy(percent: number): void {
  try {
    setFlagsFromString(`--heap-growing-percent=${Math.round(percent)}`);
  } catch {
    // A runtime may know no such flag; only memory is at stake.
  }
}
