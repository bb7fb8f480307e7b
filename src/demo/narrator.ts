/** Tells a person what happens, one line a step. */
export interface Narrator {
  title(text: string): Promise<void>;
  /** Something was done. */
  done(text: string): Promise<void>;
  /** Something went wrong. */
  failed(text: string): Promise<void>;
  /** News from a run: a state, or a line of its log. */
  news(text: string): Promise<void>;
  /** Lines as they are. */
  plain(lines: readonly string[]): Promise<void>;
}

/** Where the story goes. */
export interface NarratorOptions {
  readonly write: (text: string) => Promise<void>;
  readonly colours: boolean;
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, cyan: 36 } as const;

/** Makes a narrator. */
export function createNarrator({ write, colours }: NarratorOptions): Narrator {
  const paint = (code: keyof typeof CODES, text: string): string => {
    return colours ? `\u001b[${CODES[code]}m${text}\u001b[0m` : text;
  };
  return {
    title: (text) => write(`\n${paint("bold", text)}\n`),
    done: (text) => write(`  ${paint("green", "✓")} ${text}\n`),
    failed: (text) => write(`  ${paint("red", "✗")} ${text}\n`),
    news: (text) => write(`  ${paint("cyan", "│")} ${paint("dim", printable(text))}\n`),
    plain: (lines) => write(lines.map((line) => `  ${line}\n`).join("")),
  };
}

/** Colours are for terminals, and not for people who said no (no-color.org). */
export function wantsColours(terminal: boolean, environment: Readonly<Record<string, string | undefined>>): boolean {
  return terminal && (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb";
}

/** A log line comes from a program: it must not move the cursor of whoever reads it. */
function printable(text: string): string {
  return [...text].map((character) => (isControl(character) ? "\uFFFD" : character)).join("");
}

function isControl(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return (code < 32 && character !== "\t") || (code >= 127 && code < 160);
}
