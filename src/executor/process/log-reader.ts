import { wholeCharacters } from "../../base/utf8.ts";
import { fileSize, readBytes } from "../../runtime/files.ts";
import type { LogPiece } from "../executor.ts";
import { outputPath } from "./run-directory.ts";

/** The longest character in UTF-8, so that a read always gets on. */
const LONGEST_CHARACTER = 4;

/**
 * Up to `limit` bytes (at least 4) of a run's log from `offset`, in whole characters. An offset inside a character moves back to
 * that character's beginning. `endBytes` is the length of a log that has ended. Asks only for the file's size when nothing is new.
 */
export async function readLogPiece(
  directory: string,
  offset: number,
  limit: number,
  endBytes: number | undefined,
): Promise<LogPiece> {
  const path = outputPath(directory);
  const ended = (nextOffset: number): boolean => endBytes !== undefined && nextOffset >= endBytes;
  const size = (await fileSize(path)) ?? 0;
  if (size <= offset) return { offset, text: "", nextOffset: offset, ended: ended(offset) };
  const before = Math.min(offset, LONGEST_CHARACTER - 1);
  const bytes = await readBytes(path, offset - before, before + Math.max(limit, LONGEST_CHARACTER));
  const begin = characterAt(bytes, before);
  const asked = bytes.subarray(begin, begin + Math.max(limit, LONGEST_CHARACTER));
  const whole = asked.subarray(0, wholeCharacters(asked));
  const start = offset - before + begin;
  const nextOffset = start + whole.length;
  // Only the first bytes of a character are there yet.
  if (nextOffset <= offset) return { offset, text: "", nextOffset: offset, ended: ended(offset) };
  return {
    offset: start,
    text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(whole),
    nextOffset,
    ended: ended(nextOffset),
  };
}

/** Where the character begins that `position` is in. */
function characterAt(bytes: Uint8Array, position: number): number {
  let begin = position;
  while (begin > 0 && ((bytes[begin] ?? 0) & 0b1100_0000) === 0b1000_0000) begin--;
  return begin;
}
