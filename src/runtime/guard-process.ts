import { writeFileSync } from "node:fs";
import { CodedError } from "../base/errors.ts";
import { RUNTIME_ERRORS } from "./errors.ts";

/**
 * Takes away what the place where a process runs could make of it through the runtime. To be called before anything else.
 *
 * - SIGUSR1 would open a debugger without a password, by which whoever reaches this machine's ports reads every token. The executable is
 *   built without it (scripts/build/executable.ts); a handler keeps the signal, which some tools send for a change of log files, from
 *   ending the process, and serves those who start from the sources.
 * - NODE_TLS_REJECT_UNAUTHORIZED=0 would let any server in the middle take the tokens.
 * - NODE_DEBUG would write them to the log: the runtime prints whole requests.
 * - A core dump would hold them. The kernel is told to leave memory out of it; programs that are started inherit that.
 *
 * @throws CodedError UsageError with NODE_DEBUG, which the runtime has read before
 */
export function guardProcess(): void {
  process.on("SIGUSR1", () => undefined);
  delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  try {
    // core(5): a mask of the kinds of memory that are dumped. There is none where there is no Linux.
    writeFileSync("/proc/self/coredump_filter", "0");
  } catch {
    // The unit's LimitCORE=0 does it too.
  }
  if ((process.env["NODE_DEBUG"] ?? "") === "") return;
  throw new CodedError(
    RUNTIME_ERRORS.UsageError,
    "Cannot start with NODE_DEBUG in the environment: the runtime would write tokens into the log",
    { advice: "Unset NODE_DEBUG; LOG_LEVEL=debug tells more about what the program does" },
  );
}
