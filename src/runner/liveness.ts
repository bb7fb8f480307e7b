import type { Pulses } from "../base/pulses.ts";
import type { ConnectionState } from "../connection/runner-side.ts";
import { LIMITS } from "../protocol/limits.ts";

/**
 * How long the connection may stand in a state before something must have happened, in seconds. Each is the state's own
 * limit with room; a state that isn't here has none. While `ready`, what counts is the time since the last byte.
 */
const MOST_SECONDS: { readonly [State in ConnectionState]?: number } = {
  dialing: 90,
  greeting: LIMITS.greetingSeconds + LIMITS.inStepSeconds + 60,
  waiting: 4_500,
  ready: 300,
};

/** Where the connection stands, and for how long. */
export interface ConnectionAge {
  readonly state: ConnectionState;
  readonly inStateMs: number;
  /** Since the last byte from the gateway; undefined before the first. */
  readonly silentMs: number | undefined;
}

/** One line for each of the runner's own loops that is stuck, so that only a restart helps; none when all go round. */
export function stuckLoops(pulses: Pulses, connection: ConnectionAge): readonly string[] {
  const lines = pulses.silent().map(({ name, silentMs }) => line(name, silentMs));
  const { state, inStateMs, silentMs } = connection;
  const idleMs = state === "ready" ? Math.min(inStateMs, silentMs ?? inStateMs) : inStateMs;
  if (idleMs > (MOST_SECONDS[state] ?? Number.POSITIVE_INFINITY) * 1000)
    lines.push(line(`connection ${state}`, idleMs));
  return lines;
}

function line(name: string, silentMs: number): string {
  return `stuck: ${name}, nothing for ${Math.round(silentMs / 1000)} s`;
}
