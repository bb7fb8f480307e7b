/*
 * How a fleet of runners comes back when its gateway is restarted.
 *
 *   node scripts/fleet.ts [--runners 500] [--down SECONDS] [--signal SIGKILL|SIGTERM] [--json]
 *
 * The gateway is a process of its own, the runners are real connections in this one. The exit code is 1 when a target is missed.
 */

import { parseArgs } from "node:util";
import { type FleetFigures, measureFleet } from "./fleet/measure.ts";

/** The target. How many dial in one second is told only: a machine that stands still for a moment makes many timers end at once. */
const P95_SECONDS = 60;

const { values } = parseArgs({
  options: {
    runners: { type: "string", default: "500" },
    down: { type: "string", default: "3" },
    signal: { type: "string", default: "SIGKILL" },
    json: { type: "boolean", default: false },
  },
});
const figures = await measureFleet({
  runners: Number(values.runners),
  downSeconds: Number(values.down),
  signal: values.signal === "SIGTERM" ? "SIGTERM" : "SIGKILL",
  say: (line) => process.stderr.write(`${line}\n`),
});
process.stdout.write(values.json ? `${JSON.stringify(figures)}\n` : tell(figures));
process.exitCode = figures.back.p95 <= P95_SECONDS ? 0 : 1;

function tell({ runners, back, dialsPerSecond, greetedPerSecond, dialsAnswered }: FleetFigures): string {
  return `${[
    `${runners} runners, seconds from the gateway's return to each runner in step:`,
    `  p50 ${back.p50}  p95 ${back.p95}  longest ${back.longest}   (target: p95 up to ${P95_SECONDS})`,
    `dials that reached the gateway in each second: ${dialsPerSecond.join(" ")}`,
    `  (${dialsAnswered} in all)`,
    `sessions granted in each second: ${greetedPerSecond.join(" ")}`,
  ].join("\n")}\n`;
}
