import { type Clock, sleep } from "../../../base/clock.ts";
import { describeError, isKind } from "../../../base/errors.ts";
import { KUBERNETES_ERRORS } from "../../../kubernetes/errors.ts";
import type { LogEnd } from "../../../protocol/messages.ts";
import { readBytes } from "../../../runtime/files.ts";
import { differs, missingHere, nothingMissing, ROTATED_HERE, restUnreadable, rotated } from "./spool/markers.ts";
import { type Spool, spoolTextPath } from "./spool/spool.ts";
import { hashSpool } from "./spool/spool-reader.ts";
import type { LogReading, ReadOptions } from "./stream/log-stream.ts";
import type { StreamEnd } from "./stream/stream-end.ts";

/** Pause before a log that didn't come to what it should is read once more. */
const AGAIN_MS = 500;
/** So often nothing new has to come, where nothing shows that the node's file is what was read. */
const QUIET_READS = 3;
/** After the container's end a node that can't be reached, or refuses, is asked for so long. */
const UNREACHABLE_MS = 600_000;
const REFUSED_MS = 60_000;
/** Logs are rotated at ten mebibytes, or at what the node's owner set; no node rotates shorter ones than this. */
const NEVER_ROTATED_BYTES = 1_048_576;
/** `2026-01-01T00:00:00.000000000+00:00 stdout F ` and a line end; longer lines are kept in such parts. */
const PREFIX_BYTES = 46;
const PART_BYTES = 16_384;
const NEWLINE = 0x0a;

/** What draining stands on. */
export interface DrainOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** What the ends of the streams that followed said. */
  readonly streams: StreamEnd;
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
  if (await isProved(options)) return;
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
    else if (++quiet >= quietReads(options, reading)) {
      await writeRest(options.spool, reading);
      if (await isWhole(options)) await noteWhole(options.spool);
      else await noteMissing(options, undefined, reading.found);
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

/** What nobody stated is all here when the node's streams have surely said so, in the only file that there was. */
async function isProved({ spool, stated, streams }: DrainOptions): Promise<boolean> {
  return stated === undefined && streams === "sure" && spool.facts.gap === "none" && (await isOneFile(spool));
}

/** So often nothing new has to come. One that brings the end of what is here once more, or no line as the one that followed, is enough. */
function quietReads({ spool, stated, streams }: DrainOptions, { found, words }: LogReading): number {
  const isEmpty = streams === "once" && spool.facts.position.first === "" && words === "";
  return stated === undefined && (found || isEmpty) ? 1 : QUIET_READS;
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

async function noteMissing(options: DrainOptions, reason?: string, isFound = false): Promise<void> {
  const { spool, stated } = options;
  if (reason === "") return;
  if (stated !== undefined) {
    const text = differs(stated.bytes, spool.facts.content) + (reason === undefined ? "" : ` (${reason})`);
    return await spool.note(text, "sure");
  }
  if (reason !== undefined) return await spool.note(restUnreadable(reason), "sure");
  const { first } = spool.facts.position;
  if (first !== "" && !(await isOneFile(spool))) {
    const firstNow = await options.firstTime();
    if (firstNow !== first) await spool.note(rotated(firstNow));
  } else if (first !== "" && !isFound) {
    // Of a pod that is being taken away the log may go first.
    await spool.note(restUnreadable("the node has it no more"), "sure");
  }
  // Nothing will ever tell.
  if (spool.facts.gap === "doubted") await spool.settleGap("sure");
}

/** True when the node's file of what is here is too short to have been rotated: before each line, and each part of one, stand a time and more. */
async function isOneFile({ directory, facts }: Spool): Promise<boolean> {
  const from = facts.attemptFrom;
  const bytes = facts.bytes - from;
  if (bytes > NEVER_ROTATED_BYTES) return false;
  const text = await readBytes(spoolTextPath(directory), from, bytes);
  let lines = 1 + bytes / PART_BYTES;
  for (const byte of text) if (byte === NEWLINE) lines++;
  return bytes + lines * PREFIX_BYTES < NEVER_ROTATED_BYTES;
}
