import { type Clock, sleep } from "../../../base/clock.ts";
import { describeError, isKind } from "../../../base/errors.ts";
import { KUBERNETES_ERRORS } from "../../../kubernetes/errors.ts";
import type { LogEnd } from "../../../protocol/messages.ts";
import type { LogReading, ReadOptions } from "./log-stream.ts";
import { differs, missingHere, nothingMissing, ROTATED_HERE, restUnreadable, rotated } from "./markers.ts";
import type { Spool } from "./spool.ts";
import { hashSpool } from "./spool-reader.ts";

/** Pause before a log that didn't come to what it should is read once more. */
const AGAIN_MS = 500;
/** So often nothing new may come before that is believed. */
const QUIET_READS = 3;
/** After the container's end a node that can't be reached, or refuses, is asked for so long. */
const UNREACHABLE_MS = 600_000;
const REFUSED_MS = 60_000;
/** Logs are rotated at ten mebibytes, or at what the node's owner set; no node rotates shorter ones than this. */
const NEVER_ROTATED_BYTES = 1_048_576;

/** What draining stands on. */
export interface DrainOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Milliseconds since the container's end. */
  readonly overMs: number;
  /** What the wrapper says it printed. */
  readonly stated?: LogEnd;
  readonly read: (options: Pick<ReadOptions, "gap"> & { readonly whole: boolean }) => Promise<LogReading>;
  /** Bytes of content that the node still has. */
  readonly count: () => Promise<number>;
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
    if (await isWhole(options)) return await noteWhole(options.spool);
    let reading: LogReading;
    try {
      // A clock that was set back hides lines from `sinceTime`.
      reading = await readOn(options, quiet > 0);
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
      if (await isWhole(options)) await noteWhole(options.spool);
      else await noteMissing(options);
      return;
    } else if (options.spool.facts.position.first !== "") await sleep(options.clock, AGAIN_MS, options.signal);
  }
}

/** Closes a spool: measures it and says that it has ended. @throws the system's error */
export async function finishSpool(spool: Spool, compared: boolean): Promise<void> {
  // What isn't whole is proved by no hash.
  const isWhole = spool.facts.base === 0 && spool.facts.gap === "none";
  const sha256 = isWhole ? { sha256: (await hashSpool(spool.directory, spool.facts)).whole } : {};
  await spool.finish({ ...sha256, compared });
}

/**
 * Reads behind what is there. Where the node has rotated away what came next, it is first counted what it still has: nothing
 * changes any more, so the rest is what is missing just here.
 */
async function readOn(options: DrainOptions, whole: boolean): Promise<LogReading> {
  const { spool, stated, read } = options;
  if (stated === undefined) return read({ gap: "mark", whole });
  const isBegun = spool.facts.position.first !== "";
  if (isBegun) {
    const reading = await read({ gap: "stop", whole });
    if (reading.end !== "gap") return reading;
  } else if (stated.bytes <= NEVER_ROTATED_BYTES) return read({ gap: "mark", whole });
  const there = await options.count();
  const missing = there === 0 ? 0 : stated.bytes - spool.facts.content - there;
  if (missing > 0) await spool.note(missingHere(missing), "doubted");
  else if (missing < 0) await spool.note(ROTATED_HERE, "doubted");
  return read({ gap: "pass", whole });
}

/** Lines of ours that say otherwise are put right. */
async function noteWhole(spool: Spool): Promise<void> {
  if (spool.facts.gap === "doubted") await spool.note(nothingMissing(), "none");
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
    const text = differs(stated.bytes, spool.facts.content) + (reason === undefined ? "" : ` (${reason})`);
    return await spool.note(text, "sure");
  }
  if (reason !== undefined) return await spool.note(restUnreadable(reason), "sure");
  const { first } = spool.facts.position;
  const firstNow = first === "" ? "" : await options.firstTime();
  if (firstNow !== first) await spool.note(rotated(firstNow));
  // Nothing will ever tell.
  if (spool.facts.gap === "doubted") await spool.settleGap("sure");
}
