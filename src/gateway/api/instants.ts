import { instant } from "../../base/instants.ts";

/** Fields of records that hold epoch milliseconds. */
const TIME_FIELDS = [
  "createdAt",
  "updatedAt",
  "deletedAt",
  "startedAt",
  "endedAt",
  "startDeadline",
  "lastSeenAt",
  "retiredAt",
  "expiresAt",
  "revokedAt",
] as const;

type TimeField = (typeof TIME_FIELDS)[number];

/** A record as the API shows it: its times are texts (RFC 3339, UTC, milliseconds). */
export type InApi<T> = { readonly [K in keyof T]: K extends TimeField ? string | Exclude<T[K], number> : T[K] };

/** Turns a record's times into what the API shows. */
export function inApi<T extends object>(record: T): InApi<T> {
  const shown = { ...record } as Record<string, unknown>;
  for (const field of TIME_FIELDS) {
    const time = shown[field];
    if (typeof time === "number") shown[field] = instant(time);
  }
  return shown as InApi<T>;
}
