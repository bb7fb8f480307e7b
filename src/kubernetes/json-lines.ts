import { CodedError } from "../base/errors.ts";
import { KUBERNETES_ERRORS } from "./errors.ts";

const NEWLINE = 10;

/**
 * JSON values that come one a line. Holds no more than one line and one piece of input.
 * @throws CodedError ApiAnswerUnreadable when a line is longer than `maxBytes` or isn't JSON; what reading `pieces` throws
 */
export async function* jsonLines(
  pieces: AsyncIterable<Uint8Array>,
  maxBytes: number,
  what: string,
): AsyncGenerator<unknown, void, undefined> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      parts.push(piece.subarray(start, end));
      length += end - start;
      start = end + 1;
      if (length > maxBytes) throw unreadable(what, `a line is longer than ${maxBytes} bytes`);
      if (length > 0) yield parseJson(parts, what);
      parts = [];
      length = 0;
    }
    if (start === piece.length) continue;
    // A copy, so that a small rest doesn't keep the whole piece.
    parts.push(piece.slice(start));
    length += piece.length - start;
    if (length > maxBytes) throw unreadable(what, `a line is longer than ${maxBytes} bytes`);
  }
  if (length > 0) yield parseJson(parts, what);
}

/** The value of bytes that came in pieces. @throws CodedError ApiAnswerUnreadable; it doesn't quote the text, which may hold a secret */
export function parseJson(parts: readonly Uint8Array[], what: string): unknown {
  const decoder = new TextDecoder();
  let text = "";
  for (const part of parts) text += decoder.decode(part, { stream: true });
  text += decoder.decode();
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable(what, "it is not JSON");
  }
}

/** An answer that can't be used. */
export function unreadable(what: string, state: string): CodedError {
  return new CodedError(KUBERNETES_ERRORS.ApiAnswerUnreadable, `Cannot read the answer to ${what}: ${state}`);
}
