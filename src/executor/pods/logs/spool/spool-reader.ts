import { clip } from "../../../../base/clip.ts";
import { characterAt, LONGEST_CHARACTER, wholeCharacters } from "../../../../base/utf8.ts";
import { startSha256 } from "../../../../runtime/crypto.ts";
import { readBytes } from "../../../../runtime/files.ts";
import type { LogPiece } from "../../../executor.ts";
import { spoolTextPath } from "./spool.ts";
import type { SpoolFacts } from "./spool-records.ts";

const PIECE_BYTES = 1_048_576;
const LINE_LIMIT = 2_000;
const TAIL_BYTES = 131_072;

/** What reading needs to know of a spool. */
export type ReadableFacts = Pick<SpoolFacts, "bytes" | "base" | "end">;

/**
 * Up to `limit` bytes (at least 4) of a spool from `offset`, in whole characters. An offset inside a character moves back to its
 * beginning, one before the text's beginning forward to it. No I/O when nothing is there.
 */
export async function readSpoolPiece(
  directory: string,
  facts: ReadableFacts,
  offset: number,
  limit: number,
): Promise<LogPiece> {
  const { bytes, base, end } = facts;
  const ended = (next: number): boolean => end !== undefined && next >= base + bytes;
  const at = Math.max(offset - base, 0);
  if (at >= bytes) return { offset, text: "", nextOffset: offset, ended: ended(offset) };
  const before = Math.min(at, LONGEST_CHARACTER - 1);
  const length = Math.min(Math.max(limit, LONGEST_CHARACTER), bytes - at);
  const read = await readBytes(spoolTextPath(directory), at - before, before + length);
  const begin = characterAt(read, before);
  const asked = read.subarray(begin, begin + length);
  const whole = asked.subarray(0, wholeCharacters(asked));
  const start = base + at - before + begin;
  const nextOffset = start + whole.length;
  return {
    offset: start,
    text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(whole),
    nextOffset,
    ended: ended(nextOffset),
  };
}

/** The last lines of a spool, each cut to 2,000 characters. */
export async function readSpoolTail(directory: string, bytes: number, lines: number): Promise<readonly string[]> {
  const from = Math.max(0, bytes - TAIL_BYTES);
  const read = await readBytes(spoolTextPath(directory), from, bytes - from);
  const all = new TextDecoder().decode(read).split(/\r?\n/);
  // What is before the first line end is a line only at the log's beginning.
  if (from > 0 && all.length > 1) all.shift();
  if (all.at(-1) === "") all.pop();
  return all.slice(-lines).map((line) => clip(line, LINE_LIMIT));
}

/** Hashes of a spool: of the whole text, and of what its last attempt's program printed. */
export interface SpoolHashes {
  readonly whole: string;
  readonly content: string;
  /** The whole text and some more behind it. */
  wholeWith(more: string): string;
}

/** Reads a spool once from end to end. */
export async function hashSpool(directory: string, facts: SpoolFacts): Promise<SpoolHashes> {
  const whole = startSha256();
  const content = startSha256();
  for (let offset = 0; offset < facts.bytes; ) {
    const piece = await readBytes(spoolTextPath(directory), offset, Math.min(PIECE_BYTES, facts.bytes - offset));
    if (piece.length === 0) break;
    whole.update(piece);
    for (const part of contentOf(piece, offset, facts)) content.update(part);
    offset += piece.length;
  }
  return {
    whole: whole.hex(),
    content: content.hex(),
    wholeWith: (more) => {
      whole.update(more);
      return whole.hex();
    },
  };
}

/** The parts of a piece that came from the last attempt's program. */
function contentOf(piece: Uint8Array, offset: number, facts: SpoolFacts): readonly Uint8Array[] {
  const parts: Uint8Array[] = [];
  let at = Math.max(offset, facts.attemptFrom);
  const end = offset + piece.length;
  for (const { from, bytes } of facts.own) {
    if (from + bytes <= at) continue;
    if (from >= end) break;
    if (from > at) parts.push(piece.subarray(at - offset, from - offset));
    at = from + bytes;
  }
  if (at < end) parts.push(piece.subarray(at - offset, end - offset));
  return parts;
}
