import { type Clock, sleep } from "../../../base/clock.ts";
import { describeError, isKind } from "../../../base/errors.ts";
import { KUBERNETES_ERRORS } from "../../../kubernetes/errors.ts";
import type { LogEnd } from "../../../protocol/messages.ts";
import type { LogReading } from "./log-stream.ts";
import { differs, restUnreadable, rotated } from "./markers.ts";
import type { Spool } from "./spool.ts";
import { hashSpool } from "./spool-reader.ts";

/** Pause before a log that didn't come to what it should is read once more. */
const AGAIN_MS = 500;
/** So often nothing new may come before that is believed. */
const QUIET_READS = 3;
/** After the container's end a node that can't be reached, or refuses, is asked for so long. */
const UNREACHABLE_MS = 600_000;
const REFUSED_MS = 60_000;

/** What draining stands on. */
export interface DrainOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Milliseconds since the container's end. */
  readonly overMs: number;
  /** What the wrapper says it printed. */
  readonly stated?: LogEnd;
  readonly read: (options: { readonly follow: false; readonly whole: boolean }) => Promise<LogReading>;
  /** Time of the first line that the node still has. */
  readonly firstTime: () => Promise<string>;
}

/**
 * Reads what is left of an ended container's log until nothing is missing or nothing more comes, and notes what is missing then.
 * @throws what `read` throws when it is worth another try, and the system's error when the spool can't be written
 */
export async function drainLog(options: DrainOptions): Promise<void> {
  let quiet = 0;
  for (;;) {
    if (await isWhole(options)) return;
    let reading: LogReading;
    try {
      // A clock that was set back hides lines from `sinceTime`.
      reading = await options.read({ follow: false, whole: quiet > 0 });
    } catch (error) {
      const reason = finalReason(error, options);
      if (reason === undefined) throw error;
      return await noteMissing(options, reason);
    }
    options.signal.throwIfAborted();
    if (reading.bytes > 0) quiet = 0;
    // The API server ends a stream in the same way when the node's connection breaks: only a second one that brings nothing proves the end.
    else if (++quiet >= (reading.found && options.stated === undefined ? 1 : QUIET_READS)) {
      await writeRest(options.spool, reading);
      if (!(await isWhole(options))) await noteMissing(options);
      return;
    } else if (options.spool.facts.position.first !== "") await sleep(options.clock, AGAIN_MS, options.signal);
  }
}

/** Closes a spool: measures it and says that it has ended. @throws the system's error */
export async function finishSpool(spool: Spool, compared: boolean): Promise<void> {
  const { whole } = await hashSpool(spool.directory, spool.facts);
  // Of a text whose beginning is gone the hash of the whole can't be known.
  await spool.finish({ ...(spool.facts.base > 0 ? {} : { sha256: whole }), compared });
}

async function isWhole({ spool, stated }: DrainOptions): Promise<boolean> {
  if (stated === undefined || spool.facts.content !== stated.bytes) return false;
  return (await hashSpool(spool.directory, spool.facts)).content === stated.sha256;
}

/** Half a character that nothing follows. */
async function writeRest(spool: Spool, { rest }: LogReading): Promise<void> {
  if (rest.bytes === 0) return;
  const { position } = spool.facts;
  await spool.append(rest.text, { ...position, taken: position.taken + rest.bytes }, spool.epoch);
}

/** Why an error is the last word, or undefined when the next try may tell another. */
function finalReason(error: unknown, { overMs, spool }: DrainOptions): string | undefined {
  if (isKind(error, KUBERNETES_ERRORS.ApiNotFound)) return "the pod is gone";
  if (!isKind(error, KUBERNETES_ERRORS.ApiInvalid)) {
    return overMs > UNREACHABLE_MS ? describeError(error) : undefined;
  }
  // The container never ran.
  if (error.message.includes("waiting to start") && spool.facts.content === 0) return "";
  return overMs > REFUSED_MS ? describeError(error) : undefined;
}

async function noteMissing(options: DrainOptions, reason?: string): Promise<void> {
  const { spool, stated } = options;
  if (reason === "") return;
  if (stated !== undefined) {
    return await spool.note(differs(stated.bytes, spool.facts.content) + (reason === undefined ? "" : ` (${reason})`));
  }
  if (reason !== undefined) return await spool.note(restUnreadable(reason));
  const { first } = spool.facts.position;
  const firstNow = first === "" ? "" : await options.firstTime();
  if (firstNow !== first) await spool.note(rotated(firstNow));
}
