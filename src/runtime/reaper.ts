import type { Clock } from "../base/clock.ts";
import { onSignals } from "./system.ts";

/*
 * The kernel gives what a dead process leaves behind to process 1 of the container, and keeps the remains of each until process 1
 * takes them up. Node takes up only children that it has started itself, so the C library is asked: `waitid` to look, `waitpid` to
 * take. Both come from the process's own image by Node's FFI; without that (Deno, an older Node) nothing is taken up.
 */

const P_ALL = 0;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x01000000;
/** A `siginfo_t` of Linux on 64 bits: what follows three numbers and their padding is the process id. */
const SIGINFO_BYTES = 128;
const PID_AT = 16;

/** After a child's end its remains are taken up so much later; one signal stands for many ends. */
const PAUSE_MS = 50;
/** So many at a time, so that other work gets its turn. */
const MOST_AT_ONCE = 1000;

interface Waiting {
  /** Process id of an ended child whose remains are there; 0 when there is none. */
  look(): number;
  take(pid: number): void;
}

/**
 * From now on takes up the remains of ended children that aren't in `own`, whose ids are those that the runtime waits for itself.
 * Does nothing where that can't be done. The answer ends it.
 */
export function reapOrphans(own: ReadonlySet<number>, clock: Clock): () => void {
  const waiting = openWaiting();
  if (waiting === undefined) return () => undefined;
  let cancel: (() => void) | undefined;
  const plan = (): void => {
    cancel ??= clock.schedule(PAUSE_MS, reap, { unref: true });
  };
  const reap = (): void => {
    cancel = undefined;
    for (let count = 0; count < MOST_AT_ONCE; count++) {
      const pid = waiting.look();
      if (pid <= 0) return;
      // The runtime takes this one at its next turn; what stands behind it is seen then.
      if (own.has(pid)) break;
      waiting.take(pid);
    }
    plan();
  };
  const takeBack = onSignals(["SIGCHLD"], plan);
  plan();
  return () => {
    takeBack();
    cancel?.();
  };
}

function openWaiting(): Waiting | undefined {
  if (process.platform !== "linux" || process.versions["deno"] !== undefined) return undefined;
  const ffi = process.getBuiltinModule("node:ffi") as typeof import("node:ffi") | undefined;
  if (ffi === undefined) return undefined;
  const { functions } = ffi.dlopen(null, {
    waitid: { arguments: ["int32", "uint32", "buffer", "int32"], return: "int32" },
    waitpid: { arguments: ["int32", "pointer", "int32"], return: "int32" },
  });
  const info = new DataView(new ArrayBuffer(SIGINFO_BYTES));
  return {
    look() {
      info.setInt32(PID_AT, 0, true);
      const answer = functions.waitid(P_ALL, 0, new Uint8Array(info.buffer), WEXITED | WNOHANG | WNOWAIT);
      return answer === 0 ? info.getInt32(PID_AT, true) : 0;
    },
    take: (pid) => void functions.waitpid(pid, 0n, WNOHANG),
  };
}
