import type { Clock } from "./clock.ts";
import { CodedError, describeError } from "./errors.ts";
import { escapeDisturbing } from "./visible-text.ts";

/** Levels in rising order of urgency. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Values that may stand beside a message. Never a resolved secret: those exist only in the run (docs/security.md). */
export type LogFields = Readonly<Record<string, unknown>>;

/** Structured logger: constant messages, facts in fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Log;
}

/** How lines are written: one JSON object a line for programs, or text for people. */
export type LogFormat = "json" | "text";

/** What a logger stands on. */
export interface LogOptions {
  readonly clock: Clock;
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Receives one whole line, with its newline. */
  readonly write: (line: string) => void;
}

/** Makes the logger of one process. */
export function createLog(options: LogOptions, fields: LogFields = {}): Log {
  const threshold = LOG_LEVELS.indexOf(options.level);
  const emit = (level: LogLevel, message: string, extra: LogFields | undefined): void => {
    if (LOG_LEVELS.indexOf(level) < threshold) return;
    options.write(escapeDisturbing(formatLine(options, level, message, { ...fields, ...extra })));
  };
  return {
    debug: (message, extra) => emit("debug", message, extra),
    info: (message, extra) => emit("info", message, extra),
    warn: (message, extra) => emit("warn", message, extra),
    error: (message, extra) => emit("error", message, extra),
    child: (extra) => createLog(options, { ...fields, ...extra }),
  };
}

/** A logger that says nothing. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

function formatLine(options: LogOptions, level: LogLevel, message: string, fields: LogFields): string {
  const time = new Date(options.clock.now()).toISOString();
  const plain = Object.entries(fields).flatMap(([key, value]) => flatten(key, value));
  if (options.format === "json") return `${JSON.stringify({ time, level, message, ...Object.fromEntries(plain) })}\n`;
  const tail = plain.map(
    ([key, value]) => ` ${key}=${typeof value === "string" ? quote(value) : JSON.stringify(value)}`,
  );
  return `${time} ${level.toUpperCase().padEnd(5)} ${message}${tail.join("")}\n`;
}

function flatten(key: string, value: unknown): [string, unknown][] {
  if (value === undefined) return [];
  if (value instanceof CodedError) {
    const coded: [string, unknown][] = [
      [key, describeError(value)],
      ["code", value.code],
      ["next", value.advice],
    ];
    return coded;
  }
  return [[key, value instanceof Error ? describeError(value) : value]];
}

function quote(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : JSON.stringify(text);
}
