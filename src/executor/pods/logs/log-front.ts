import type { LogSource } from "./log-source.ts";
import { momentOf } from "./stream/line-times.ts";

/** A container that runs for so long could have had its log rotated. */
const LATE_MS = 15_000;
/** A program that says nothing for so long at its beginning is rarer than a log whose beginning was rotated away. */
const QUIET_BEGINNING_MS = 60_000;

/**
 * Where a log's text begins. When nothing of it was read before, it may have begun long ago, and only the first reader knows how
 * much of it was there.
 */
export class LogFront {
  #isLate = false;
  #isOpen = false;
  #isRead = false;
  #isGone = false;

  /** The first attempt is seen for the first time. */
  begin({ startedAt }: LogSource, now: number): void {
    this.#isLate = startedAt === undefined || now - startedAt > LATE_MS;
    this.#isOpen = this.#isLate;
  }

  /** False as long as it isn't known at which offset the text begins. */
  get placed(): boolean {
    return !this.#isOpen;
  }

  /** True when what the node has must be read before it can be known. */
  get mustBeRead(): boolean {
    return this.#isOpen && !this.#isRead;
  }

  /** What the node has was read. */
  read(): void {
    this.#isRead = true;
  }

  /** Nobody will ask for an offset any more before the log ends: the text begins at 0. */
  settle(): void {
    this.#isOpen = false;
  }

  /** A reader wants the text from `offset` on, and `bytes` of it are here. True when the text begins there, and must be read again. */
  place(offset: number, bytes: number): boolean {
    if (!this.#isOpen || !this.#isRead) return false;
    this.#isOpen = false;
    if (offset === 0 || (offset <= bytes && !this.#isGone)) return false;
    // Somebody has more of this log than the node has now: its beginning is gone.
    this.#isGone = true;
    return true;
  }

  /** True when something is missing in front of a first line with this time. What the wrapper states tells it exactly. */
  isMissing({ attempt, startedAt }: LogSource, firstTime: string, isStated: boolean): boolean {
    if (this.#isLate && !isStated && attempt === 1 && startedAt !== undefined) {
      this.#isGone ||= momentOf(firstTime) - startedAt > QUIET_BEGINNING_MS;
    }
    return this.#isGone;
  }
}
