/** The last moment that RFC 3339 can write. */
const LAST_MS = 253_402_300_799_999;

/** An epoch time in milliseconds as RFC 3339 has it, in UTC with milliseconds; what is out of its reach is brought to its edge. */
export function instant(epochMs: number): string {
  return new Date(Math.min(Math.max(0, epochMs), LAST_MS)).toISOString();
}
