import type { Schedules } from "../schedules/schedules.ts";

/** The schedules as the rest of the runner sees them. */
export type Calendar = Pick<
  Schedules,
  "set" | "remove" | "dropWaiting" | "start" | "stop" | "wake" | "counts" | "sizes"
>;

/**
 * For an executor whose cluster fires the schedules: what was deployed is in the cluster already, and nothing is fired here.
 * `fires` is what the executor has told of them.
 */
export function clusterCalendar(fires: Readonly<Record<"started" | "skipped", number>>): Calendar {
  return {
    set: async () => undefined,
    remove: async () => undefined,
    dropWaiting: async () => undefined,
    start: () => undefined,
    stop: async () => undefined,
    wake: () => undefined,
    counts: () => ({ ...fires, missed: 0 }),
    sizes: () => ({ schedules: 0, waiting: 0 }),
  };
}
