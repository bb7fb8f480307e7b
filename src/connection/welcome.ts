import type { Log } from "../base/log.ts";
import type { MessageBodies } from "../protocol/messages.ts";
import { CLOCK_WARNING_MS } from "./retry.ts";

/** Says what a person should know about a new session: versions, wrong clocks, a runner that is too old. */
export function noteWelcome(
  welcome: MessageBodies["welcome"],
  runnerVersion: string,
  clockOffsetMs: number,
  log: Log,
): void {
  const { epoch, gatewayVersion, minimumRunnerVersion, serverVersion = "not told" } = welcome;
  log.info("The gateway has given this runner the session", { epoch, gatewayVersion, serverVersion });
  if (Math.abs(clockOffsetMs) > CLOCK_WARNING_MS) {
    const offsetSeconds = Math.round(clockOffsetMs / 1000);
    log.warn("This machine's clock differs from the gateway's; set the wrong one right", { offsetSeconds });
  }
  if (minimumRunnerVersion !== undefined && isOlderVersion(runnerVersion, minimumRunnerVersion)) {
    log.error("This runner is older than the gateway asks for; update it", { runnerVersion, minimumRunnerVersion });
  }
}

/** Compares the numbers of two versions (`1.10.0` is newer than `1.9`); what follows a hyphen or plus is ignored. */
export function isOlderVersion(version: string, minimum: string): boolean {
  const have = numbersOf(version);
  for (const [place, wanted] of numbersOf(minimum).entries()) {
    const found = have[place] ?? 0;
    if (found !== wanted) return found < wanted;
  }
  return false;
}

function numbersOf(version: string): number[] {
  const [release = ""] = version.replace(/^v/, "").split(/[-+]/);
  return release.split(".").map((part) => Number.parseInt(part, 10) || 0);
}
