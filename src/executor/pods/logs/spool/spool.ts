import type { Clock } from "../../../../base/clock.ts";
import { type AppendFile, cutFile, openAppendFile } from "../../../../runtime/append-file.ts";
import {
  fileSize,
  joinPath,
  makeDirectory,
  readBytes,
  readTextIfExists,
  writeDurably,
} from "../../../../runtime/files.ts";
import type { LogSource } from "../log-source.ts";
import type { LogPosition } from "../stream/log-intake.ts";
import { anotherPod, attemptBegins, ownLine } from "./markers.ts";
import {
  applyRecord,
  emptyFacts,
  readFacts,
  recordLine,
  recordsOf,
  type SpoolEnd,
  type SpoolFacts,
  type SpoolGap,
  type SpoolRecord,
} from "./spool-records.ts";

/** Beyond this size a journal is written anew, short. */
const JOURNAL_BYTES = 262_144;
const NEWLINE = 0x0a;

/** Path of a spool's text. */
export function spoolTextPath(directory: string): string {
  return joinPath(directory, "output.log");
}

/** Path of what is remembered of a spool. */
export function spoolJournalPath(directory: string): string {
  return joinPath(directory, "journal");
}

interface Files {
  readonly text: AppendFile;
  readonly journal: AppendFile;
}

/**
 * The text of one run's log on the disk, and how far the pods' logs were read for it. Text counts only when the journal says so:
 * after a crash the rest is cut off, before anybody has been shown it, and read again. Writers take turns.
 */
export class Spool {
  readonly directory: string;
  readonly #clock: Clock;
  readonly #facts: SpoolFacts;
  #files: Files | undefined;
  #journalBytes: number;
  /** The text's file may be longer than the journal says. */
  #unsure = true;
  /** The text ends inside a line. */
  #inLine: boolean;
  #epoch = 0;
  #turn: Promise<void> = Promise.resolve();

  private constructor(directory: string, clock: Clock, facts: SpoolFacts, journalBytes: number, inLine: boolean) {
    this.directory = directory;
    this.#clock = clock;
    this.#facts = facts;
    this.#journalBytes = journalBytes;
    this.#inLine = inLine;
  }

  /** Reads what is there; makes nothing. Text that is shorter than the journal says (a power cut) makes the spool worthless: it begins anew. */
  static async open(directory: string, clock: Clock): Promise<Spool> {
    const journal = (await readTextIfExists(spoolJournalPath(directory))) ?? "";
    const facts = readFacts(journal);
    const size = (await fileSize(spoolTextPath(directory))) ?? 0;
    if (size < facts.bytes) return new Spool(directory, clock, emptyFacts(), JOURNAL_BYTES + 1, false);
    const last = facts.bytes === 0 ? undefined : (await readBytes(spoolTextPath(directory), facts.bytes - 1, 1))[0];
    return new Spool(directory, clock, facts, journal.length, last !== undefined && last !== NEWLINE);
  }

  /** What is known; changes with each write. */
  get facts(): Readonly<SpoolFacts> {
    return this.#facts;
  }

  /** Counts how often the spool began anew. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Path of the text. */
  get path(): string {
    return spoolTextPath(this.directory);
  }

  /** Begins an attempt, or another pod of it, behind a line that says so when it isn't the first; does nothing when it was begun before. */
  begin(source: LogSource): Promise<void> {
    return this.#inTurn(async () => {
      const { source: before } = this.#facts;
      if (before !== undefined && !this.isNew(source)) return;
      const begins = { source, at: this.#clock.now(), end: null };
      if (before?.attempt === source.attempt) await this.#note(anotherPod(source.podName), begins);
      else if (source.attempt === 1) await this.#record(begins);
      else await this.#note(attemptBegins(source.attempt, before?.attempt === source.attempt - 1), begins);
    });
  }

  /** True for a later attempt than the last one, and for a pod of it whose log was never read. */
  isNew({ attempt, podName }: LogSource): boolean {
    const { source, pods } = this.#facts;
    if (source === undefined || attempt !== source.attempt) return source === undefined || attempt > source.attempt;
    return podName !== source.podName && !pods.includes(podName);
  }

  /** Adds content and how far the log was read with it; nothing when the spool began anew since that epoch. @throws the system's error; nothing counts then */
  append(content: Uint8Array, position: LogPosition, epoch: number): Promise<void> {
    return this.#inTurn(async () => {
      if (epoch !== this.#epoch) return;
      const bytes = this.#facts.bytes + content.length;
      await this.#write(content);
      await this.#record({ bytes, content: this.#facts.content + content.length, position });
      this.#unsure = false;
      if (content.length > 0) this.#inLine = content[content.length - 1] !== NEWLINE;
    });
  }

  /** Adds a line of ours, and whether something is missing as it says. @throws the system's error; nothing counts then */
  note(text: string, gap?: SpoolGap): Promise<void> {
    return this.#inTurn(() => this.#note(text, gap === undefined ? {} : { gap: this.#worse(gap) }));
  }

  /** It has turned out whether something is missing. @throws the system's error */
  settleGap(gap: SpoolGap): Promise<void> {
    return this.#inTurn(() => this.#record({ gap: this.#worse(gap) }));
  }

  /** The log has ended. @throws the system's error */
  finish(end: SpoolEnd): Promise<void> {
    return this.#inTurn(() => this.#record({ end }));
  }

  /** The log goes on after all. @throws the system's error */
  reopen(): Promise<void> {
    return this.#inTurn(() => this.#record({ end: null }));
  }

  /** Forgets all that was read of the attempt; the text will begin at this offset. @throws the system's error */
  restart(base: number): Promise<void> {
    return this.#inTurn(async () => {
      const { source, createdAt } = this.#facts;
      this.#epoch++;
      Object.assign(this.#facts, emptyFacts(), { source, createdAt, base });
      this.#inLine = false;
      this.#unsure = true;
      await this.#rewriteJournal();
    });
  }

  /** Frees the files until the next write. */
  rest(): Promise<void> {
    return this.#inTurn(() => this.#closeFiles());
  }

  /** What is surely missing stays so. */
  #worse(gap: SpoolGap): SpoolGap {
    return this.#facts.gap === "sure" ? "sure" : gap;
  }

  async #note(text: string, more: SpoolRecord = {}): Promise<void> {
    const bytes = new TextEncoder().encode(ownLine(text, this.#inLine));
    const from = this.#facts.bytes;
    await this.#write(bytes);
    await this.#record({ ...more, bytes: from + bytes.length, own: [{ from, bytes: bytes.length }] });
    this.#unsure = false;
    this.#inLine = false;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { text } = await this.#open();
    if (this.#unsure && (await fileSize(this.path)) !== this.#facts.bytes) await cutFile(this.path, this.#facts.bytes);
    this.#unsure = true;
    for (let at = 0; at < bytes.length; ) at += await text.write(bytes.subarray(at));
  }

  async #record(record: SpoolRecord): Promise<void> {
    const { journal } = await this.#open();
    const line = new TextEncoder().encode(recordLine(record));
    const written = await journal.write(line);
    this.#journalBytes += written;
    if (written < line.length) throw new Error("Cannot write the journal of a log: no room is left");
    applyRecord(this.#facts, record);
    if (this.#journalBytes > JOURNAL_BYTES) await this.#rewriteJournal();
  }

  async #open(): Promise<Files> {
    if (this.#files === undefined) {
      await makeDirectory(this.directory);
      const text = await openAppendFile(this.path);
      try {
        this.#files = { text, journal: await openAppendFile(spoolJournalPath(this.directory)) };
      } catch (error) {
        await text.close();
        throw error;
      }
    }
    return this.#files;
  }

  async #rewriteJournal(): Promise<void> {
    await this.#closeFiles();
    await makeDirectory(this.directory);
    const journal = recordsOf(this.#facts).map(recordLine).join("");
    await writeDurably(spoolJournalPath(this.directory), journal);
    this.#journalBytes = journal.length;
  }

  async #closeFiles(): Promise<void> {
    const files = this.#files;
    this.#files = undefined;
    await files?.text.close();
    await files?.journal.close();
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(task);
    this.#turn = result.then(noop, noop);
    return result;
  }
}

function noop(): void {
  // whoever asked is told
}
