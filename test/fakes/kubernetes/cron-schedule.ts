const MACROS: Readonly<Record<string, string>> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
};
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** True when a schedule of five fields fires in the minute that begins then. Enough for tests: numbers, names, lists, ranges, steps. */
export function isDue(schedule: string, timeZone: string | undefined, minuteMs: number): boolean {
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = (MACROS[schedule] ?? schedule)
    .trim()
    .split(/\s+/);
  const now = partsOf(minuteMs, timeZone ?? "UTC");
  const inDay = matches(day, now.day, 1, 31, []);
  const inWeek = matches(weekday, now.weekday, 0, 7, DAYS) || (now.weekday === 0 && matches(weekday, 7, 0, 7, DAYS));
  // Either of both when neither begins with a star.
  const onDay = day.startsWith("*") || weekday.startsWith("*") ? inDay && inWeek : inDay || inWeek;
  return (
    matches(minute, now.minute, 0, 59, []) &&
    matches(hour, now.hour, 0, 23, []) &&
    onDay &&
    matches(month, now.month, 1, 12, ["", ...MONTHS])
  );
}

function matches(field: string, value: number, least: number, most: number, names: readonly string[]): boolean {
  return field.split(",").some((part) => {
    const [range = "", step = "1"] = part.split("/");
    const number = (text: string): number =>
      names.includes(text.toLowerCase()) ? names.indexOf(text.toLowerCase()) : Number(text);
    const [from, to] = range === "*" || range === "?" ? [least, most] : range.split("-").map(number);
    const end = to ?? (part.includes("/") ? most : from);
    return (
      from !== undefined && end !== undefined && value >= from && value <= end && (value - from) % Number(step) === 0
    );
  });
}

function partsOf(
  time: number,
  timeZone: string,
): { minute: number; hour: number; day: number; month: number; weekday: number } {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    minute: "2-digit",
    hour: "2-digit",
    day: "2-digit",
    month: "2-digit",
    weekday: "short",
    hourCycle: "h23",
  });
  const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value]));
  const { day, hour, minute, month, weekday = "" } = parts;
  return {
    minute: Number(minute),
    hour: Number(hour),
    day: Number(day),
    month: Number(month),
    weekday: DAYS.indexOf(weekday.toLowerCase()),
  };
}
