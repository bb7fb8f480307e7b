import { compareTimes, isTime, LONGEST_TIME } from "./line-times.ts";

const LETTER_Z = 0x5a;

/** Room for one time before a line, used again for each: thousands of lines come in a second. */
export class TimeSlot {
  readonly #room = new Uint8Array(LONGEST_TIME);
  #length: number;
  /** A time is here, and what follows is the line. */
  complete = false;

  constructor(text = "") {
    this.#length = new TextEncoder().encodeInto(text, this.#room).written;
  }

  get bytes(): Uint8Array {
    return this.#room.subarray(0, this.#length);
  }

  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  get empty(): boolean {
    return this.#length === 0;
  }

  isTime(): boolean {
    return isTime(this.bytes);
  }

  /** Takes a whole time at once; false when these bytes are none in UTC, and then nothing is taken. */
  take(bytes: Uint8Array, from: number, length: number): boolean {
    if (bytes[from + length - 1] !== LETTER_Z) return false;
    for (let index = 0; index < length; index++) this.#room[index] = bytes[from + index] ?? 0;
    this.#length = length;
    this.complete = this.isTime();
    if (!this.complete) this.#length = 0;
    return this.complete;
  }

  /** False when there is no room left: it is no time. */
  push(byte: number): boolean {
    if (this.#length === LONGEST_TIME) return false;
    this.#room[this.#length++] = byte;
    return true;
  }

  set(other: TimeSlot): void {
    const length = other.#length;
    for (let index = 0; index < length; index++) this.#room[index] = other.#room[index] ?? 0;
    this.#length = length;
  }

  equals(other: TimeSlot): boolean {
    if (other.#length !== this.#length) return false;
    // The last digits differ first.
    for (let index = this.#length - 1; index >= 0; index--) {
      if (other.#room[index] !== this.#room[index]) return false;
    }
    return true;
  }

  isAfter(other: TimeSlot): boolean {
    const last = this.#length - 1;
    const isPlain = this.#length === other.#length && this.#room[last] === LETTER_Z && other.#room[last] === LETTER_Z;
    if (!isPlain) return compareTimes(this.bytes, other.bytes) > 0;
    for (let index = 0; index < last; index++) {
      const difference = (this.#room[index] ?? 0) - (other.#room[index] ?? 0);
      if (difference !== 0) return difference > 0;
    }
    return false;
  }

  clear(): void {
    this.#length = 0;
    this.complete = false;
  }
}
