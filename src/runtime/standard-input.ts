import type { Clock } from "../base/clock.ts";

/** Lines from standard input. It is only read while somebody waits for a line. */
export interface InputLines {
  /**
   * The next line without its end; undefined when the input has ended, when none came in `limitMs`, and from then on.
   * What comes after the limit is never read.
   */
  next(limitMs: number): Promise<string | undefined>;
}

/** A longer line isn't meant for us. */
const MOST_CHARACTERS = 65_536;

/** Opens standard input for lines of UTF-8. */
export function openInputLines(clock: Clock): InputLines {
  const { stdin } = process;
  let text = "";
  let over = false;
  let changed: () => void = () => undefined;
  const end = (): void => {
    over = true;
    changed();
  };
  stdin.setEncoding("utf8");
  stdin.on("data", (piece: string) => {
    text += piece;
    changed();
  });
  for (const event of ["end", "error", "close"]) stdin.on(event, end);
  stdin.pause();
  const takeLine = (): string | undefined => {
    const lineEnd = text.indexOf("\n");
    if (lineEnd < 0) return undefined;
    const line = text.slice(0, lineEnd);
    text = text.slice(lineEnd + 1);
    return line;
  };
  return {
    async next(limitMs) {
      const cancel = clock.schedule(limitMs, end);
      stdin.resume();
      try {
        for (;;) {
          const line = takeLine();
          if (line !== undefined) return line;
          if (over || text.length > MOST_CHARACTERS) return undefined;
          await new Promise<void>((resolve) => {
            changed = resolve;
          });
        }
      } finally {
        cancel();
        stdin.pause();
      }
    },
  };
}
