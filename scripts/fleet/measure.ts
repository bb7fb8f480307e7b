import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fleet } from "./fleet.ts";
import { GatewayProcess } from "./gateway-process.ts";

/** What is to be measured. */
export interface FleetPlan {
  readonly runners: number;
  /** From the end of the gateway to its new start. */
  readonly downSeconds: number;
  readonly signal: "SIGKILL" | "SIGTERM";
  readonly say: (line: string) => void;
}

/** What was found. Times count from the moment the new gateway listens. */
export interface FleetFigures {
  readonly runners: number;
  /** Seconds until a runner was in step again. */
  readonly back: { readonly p50: number; readonly p95: number; readonly longest: number };
  /** Second by second. */
  readonly greetedPerSecond: readonly number[];
  readonly dialsPerSecond: readonly number[];
  readonly dialsAnswered: number;
}

/** The fleet comes up gently, a few at a time, before anything is measured. */
const START_PER_SECOND = 40;
const LIMIT_MS = 180_000;

/** Starts a gateway and a fleet, ends the gateway, starts it again, and watches the fleet come back. */
export async function measureFleet({ runners, downSeconds, signal, say }: FleetPlan): Promise<FleetFigures> {
  const directory = await mkdtemp(join(tmpdir(), "hybrid-runner-fleet-"));
  const gateway = new GatewayProcess(directory);
  try {
    await gateway.start();
    const fleet = new Fleet(gateway.url, await gateway.token());
    try {
      await fleet.start(runners, START_PER_SECOND);
      await fleet.whole(LIMIT_MS);
      say(`${runners} runners are in step; the gateway gets ${signal}`);
      fleet.forget();
      await gateway.end(signal);
      await new Promise((resolve) => setTimeout(resolve, downSeconds * 1000));
      const since = await gateway.start();
      say("the gateway listens again");
      await fleet.whole(LIMIT_MS);
      return figures(fleet, since);
    } finally {
      await fleet.end();
    }
  } finally {
    await gateway.end("SIGKILL");
    await rm(directory, { recursive: true, force: true });
  }
}

function figures(fleet: Fleet, since: number): FleetFigures {
  const back = fleet.readyAt().map((at) => Math.max(0, at - since) / 1000);
  back.sort((a, b) => a - b);
  const share = (part: number): number => round(back[Math.min(back.length - 1, Math.floor(back.length * part))] ?? 0);
  const dials = fleet.dialledAt.filter((at) => at >= since);
  return {
    runners: back.length,
    back: { p50: share(0.5), p95: share(0.95), longest: share(1) },
    greetedPerSecond: perSecond(fleet.greetedAt, since),
    dialsPerSecond: perSecond(dials, since),
    dialsAnswered: dials.length,
  };
}

function perSecond(times: readonly number[], since: number): number[] {
  const seconds: number[] = [];
  for (const at of times) {
    const second = Math.max(0, Math.floor((at - since) / 1000));
    while (seconds.length <= second) seconds.push(0);
    seconds[second] = (seconds[second] ?? 0) + 1;
  }
  return seconds;
}

function round(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
