import type { Clock } from "../base/clock.ts";
import type { Redactor } from "../secrets/redactor.ts";

/** How long a line without its end waits for it before it is written all the same, so that lines of the two streams don't mix. */
const LINE_WAIT_MS = 250;
const MAX_HELD_LINE = 16_384;

/** Output of a program on its way out. Each promise settles when the receiver has taken the text. */
export interface MaskedOutput {
  readonly stdout: (bytes: Uint8Array) => Promise<void>;
  readonly stderr: (bytes: Uint8Array) => Promise<void>;
  /** Writes what was held back. @throws whatever the receiver threw, now or earlier */
  end(): Promise<void>;
}

/**
 * Decodes both streams (what isn't UTF-8 becomes U+FFFD), masks each for itself, and writes whole lines in the order in which they
 * came. Every carriage return ends a line: `\r\n` and a lone `\r` become `\n`, so that a progress bar reads as one line a step
 * and nothing is drawn over (docs/protocol.md, "Logs").
 */
export function maskOutput(
  redactor: Redactor,
  clock: Clock,
  output: (maskedText: string) => Promise<void>,
): MaskedOutput {
  let written: Promise<void> = Promise.resolve();
  const write = (text: string): Promise<void> => {
    if (text !== "") {
      written = written.then(() => output(text));
      written.catch(() => undefined);
    }
    return written;
  };
  const lanes = [createLane(redactor, clock, write), createLane(redactor, clock, write)] as const;
  return {
    stdout: lanes[0].take,
    stderr: lanes[1].take,
    async end() {
      for (const lane of lanes) lane.end();
      await written;
    },
  };
}

interface Lane {
  take(bytes: Uint8Array): Promise<void>;
  end(): void;
}

function createLane(redactor: Redactor, clock: Clock, write: (text: string) => Promise<void>): Lane {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const masking = redactor.stream();
  const lineEnds = unifyLineEnds();
  let held = "";
  let cancelWait: () => void = () => undefined;
  const flush = (): Promise<void> => {
    const text = held;
    held = "";
    return write(text);
  };
  return {
    async take(bytes) {
      cancelWait();
      held += lineEnds(masking.push(decoder.decode(bytes, { stream: true })));
      const lineEnd = held.lastIndexOf("\n") + 1;
      const ready = held.length - lineEnd > MAX_HELD_LINE ? held.length : lineEnd;
      const text = held.slice(0, ready);
      held = held.slice(ready);
      if (held !== "") cancelWait = clock.schedule(LINE_WAIT_MS, () => void flush().catch(() => undefined));
      await write(text);
    },
    end() {
      cancelWait();
      held += lineEnds(masking.push(decoder.decode()) + masking.end());
      void flush().catch(() => undefined);
    },
  };
}

/** Makes what turns every end of a line into `\n` in a text that comes in pieces; after masking, which knows values as they are. */
function unifyLineEnds(): (text: string) => string {
  let afterReturn = false;
  return (text) => {
    if (text === "") return text;
    const rest = afterReturn && text.startsWith("\n") ? text.slice(1) : text;
    afterReturn = text.endsWith("\r");
    return rest.includes("\r") ? rest.replace(/\r\n?/g, "\n") : rest;
  };
}
