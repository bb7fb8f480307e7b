import { clip } from "../base/clip.ts";
import type { Schedule } from "./messages.ts";
import { isDatabaseName } from "./zone-names.ts";

/*
 * The one grammar of schedules, for every executor: what Kubernetes accepts in a CronJob, and 7 for Sunday.
 * Times are not computed here; a plain cron means the same to every library that does.
 */

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS: readonly Field[] = [
  { name: "minute", least: 0, most: 59 },
  { name: "hour", least: 0, most: 23 },
  { name: "day of month", least: 1, most: 31 },
  { name: "month", least: 1, most: 12, names: MONTHS },
  { name: "day of week", least: 0, most: 7, names: WEEKDAYS },
];

/** Days of each month in a leap year. */
const MONTH_LENGTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const ALIASES: ReadonlyMap<string, string> = new Map([
  ["@hourly", "0 * * * *"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@weekly", "0 0 * * 0"],
  ["@monthly", "0 0 1 * *"],
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
]);

const SUNDAY_AT_END = 7;

/** A cron in its plainest form, or what is wrong with it: a phrase that names the field. */
export type CronReading = { readonly plain: string } | { readonly mistake: string };

class Mistake extends Error {}

/**
 * Reads the five fields (or an alias such as `@daily`) and writes them plainly: each field `*` or a rising list of
 * numbers, Sunday as 0. `*` stands where the field is open; a step above 1 restricts it, as in Kubernetes, which
 * matters for the rule of the two day fields: when both are restricted, a day that matches either will do.
 */
export function readCron(text: string): CronReading {
  const written = text.trim();
  const fields = (ALIASES.get(written) ?? written).split(/[ \t]+/);
  if (written.startsWith("@") && !ALIASES.has(written)) {
    return { mistake: `cron is ${quote(written)}: must be one of ${[...ALIASES.keys()].join(", ")}, or five fields` };
  }
  if (written === "" || fields.length !== FIELDS.length) {
    const count = written === "" ? 0 : fields.length;
    return { mistake: `cron is ${quote(written)}: must have five fields (${names()}), has ${count}` };
  }
  try {
    const read = FIELDS.map((field, index) => readField(field, index + 1, fields[index] ?? ""));
    refuseNever(read[2], read[3], read[4]);
    return { plain: read.map((values) => values?.join(",") ?? "*").join(" ") };
  } catch (error) {
    if (error instanceof Mistake) return { mistake: error.message };
    throw error;
  }
}

/** What is wrong with a schedule, as a phrase that names the field; undefined when nothing is. */
export function scheduleMistake(schedule: Schedule): string | undefined {
  const reading = readCron(schedule.cron);
  if ("mistake" in reading) return reading.mistake;
  if (isTimeZone(schedule.timeZone)) return undefined;
  return `timeZone is ${quote(schedule.timeZone)}: must be the IANA name of a time zone, spelled as there`;
}

/** Names found to be zones; there are about 600. Asking the runtime costs much memory. */
const knownZones = new Set<string>();
const MAX_KNOWN_ZONES = 1000;

/** True for names of the time zone database, as it spells them, that this runtime knows; offsets such as `+02:00` are none. */
export function isTimeZone(name: string): boolean {
  if (knownZones.has(name)) return true;
  if (!/^[A-Za-z][\w+/-]*$/.test(name)) return false;
  try {
    const { timeZone } = new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions();
    if (!isDatabaseName(name, timeZone)) return false;
  } catch {
    return false;
  }
  if (knownZones.size < MAX_KNOWN_ZONES) knownZones.add(name);
  return true;
}

/** Rising numbers, or undefined for an open field. */
function readField(field: Field, position: number, text: string): readonly number[] | undefined {
  const values = new Set<number>();
  let open = false;
  for (const item of text.split(",")) {
    const [range = "", step, ...more] = item.split("/");
    if (more.length > 0) throw wrong(field, position, item, "has two steps");
    const every = step === undefined ? 1 : readStep(field, position, item, step);
    if ((range === "*" || range === "?") && every === 1) open = true;
    const [from, to] = readRange(field, position, item, range, step !== undefined);
    for (let value = from; value <= to; value += every)
      values.add(value === SUNDAY_AT_END && isWeekday(field) ? 0 : value);
  }
  return open ? undefined : [...values].sort((a, b) => a - b);
}

function readRange(
  field: Field,
  position: number,
  item: string,
  range: string,
  stepped: boolean,
): readonly [number, number] {
  const last = isWeekday(field) ? field.most - 1 : field.most;
  if (range === "*" || range === "?") return [field.least, last];
  const [first = "", second, ...more] = range.split("-");
  if (more.length > 0) throw wrong(field, position, item, "has two ranges");
  const from = readValue(field, position, item, first);
  if (second === undefined) {
    const start = isWeekday(field) && from === SUNDAY_AT_END ? 0 : from;
    return [start, stepped ? last : start];
  }
  const end = readValue(field, position, item, second);
  // "fri-sun" ends on the Sunday after
  const to = isWeekday(field) && end === 0 && from > 0 ? SUNDAY_AT_END : end;
  if (from > to) throw wrong(field, position, item, "begins after its end");
  return [from, to];
}

function readValue(field: Field, position: number, item: string, text: string): number {
  const named = field.names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return named + field.least;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= field.least && value <= field.most) return value;
  const also = field.names === undefined ? "" : ` or ${field.names[0]} to ${field.names.at(-1)}`;
  throw wrong(field, position, item, `must be ${field.least} to ${field.most}${also}`);
}

function readStep(field: Field, position: number, item: string, text: string): number {
  const step = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (step >= 1 && step <= field.most) return step;
  throw wrong(field, position, item, `its step must be 1 to ${field.most}`);
}

/** A schedule that never comes is a slip of the pen: the 30th of February. */
function refuseNever(
  days: readonly number[] | undefined,
  months: readonly number[] | undefined,
  weekdays: readonly number[] | undefined,
): void {
  const first = days?.[0];
  if (first === undefined || weekdays !== undefined) return;
  const longest = Math.max(...(months ?? [1]).map((month) => MONTH_LENGTHS[month - 1] ?? 0));
  if (first > longest)
    throw new Mistake(`cron's field 3 (day of month) is ${days?.join(",")}: no such day in its months`);
}

function isWeekday(field: Field): boolean {
  return field.names === WEEKDAYS;
}

function wrong(field: Field, position: number, item: string, rule: string): Mistake {
  return new Mistake(`cron's field ${position} (${field.name}) has ${quote(item)}: ${rule}`);
}

function names(): string {
  return FIELDS.map((field) => field.name).join(", ");
}

function quote(text: string): string {
  return JSON.stringify(clip(text, 60));
}
