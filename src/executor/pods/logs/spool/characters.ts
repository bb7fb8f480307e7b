import { wholeCharacters } from "../../../../base/utf8.ts";

/** The same bytes where they are valid UTF-8; otherwise each wrong part is replaced by U+FFFD. */
export function asUtf8(bytes: Uint8Array): Uint8Array {
  if (isAscii(bytes)) return bytes;
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return bytes;
  } catch {
    return new TextEncoder().encode(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
  }
}

/** Makes a stream of any bytes into whole characters; what is not finished yet is held back. */
export class CharacterStream {
  #held: Uint8Array = new Uint8Array(0);

  /** Bytes held back: the beginning of a character. */
  get held(): number {
    return this.#held.length;
  }

  push(bytes: Uint8Array): Uint8Array {
    const all = this.#held.length === 0 ? bytes : joined([this.#held, bytes]);
    const whole = wholeCharacters(all);
    this.#held = all.slice(whole);
    return asUtf8(all.subarray(0, whole));
  }

  /** The rest, which will never be whole. */
  end(): Uint8Array {
    const rest = asUtf8(this.#held);
    this.#held = new Uint8Array(0);
    return rest;
  }
}

/** A new array of several. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Most logs are: told in words of four bytes, since decoding them costs more than all else that is done with them. */
function isAscii(bytes: Uint8Array): boolean {
  const words = bytes.byteOffset % 4 === 0 ? bytes.length >> 2 : 0;
  const view = new Uint32Array(bytes.buffer, words === 0 ? 0 : bytes.byteOffset, words);
  for (let index = 0; index < words; index++) if (((view[index] ?? 0) & 0x8080_8080) !== 0) return false;
  for (let index = words * 4; index < bytes.length; index++) if ((bytes[index] ?? 0) >= 0x80) return false;
  return true;
}
