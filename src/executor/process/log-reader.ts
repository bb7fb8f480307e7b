import { readBytes } from "../../runtime/files.ts";
import type { LogPiece } from "../executor.ts";
import { nextBoundary, wholeCharacters } from "./output-log.ts";
import { outputPath } from "./run-directory.ts";

/** The longest character in UTF-8, so that a read always gets on. */
const LONGEST_CHARACTER = 4;

/**
 * Up to `limit` bytes (at least 4) of a run's log from `offset`, in whole characters. An offset inside a character moves to the next one.
 * `endBytes` is the length of a log that has ended.
 */
export async function readLogPiece(
  directory: string,
  offset: number,
  limit: number,
  endBytes: number | undefined,
): Promise<LogPiece> {
  const bytes = await readBytes(outputPath(directory), offset, Math.max(limit, LONGEST_CHARACTER));
  const begin = offset === 0 ? 0 : nextBoundary(bytes, 0);
  const whole = bytes.subarray(begin, Math.max(begin, wholeCharacters(bytes)));
  const nextOffset = offset + begin + whole.length;
  return {
    offset: offset + begin,
    text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(whole),
    nextOffset,
    ended: endBytes !== undefined && nextOffset >= endBytes,
  };
}
