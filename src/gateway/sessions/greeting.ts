import { LIMITS } from "../../protocol/limits.ts";
import type { MessageBodies } from "../../protocol/messages.ts";
import { negotiateVersion, PROTOCOL_VERSIONS, SERVER_VERSION_SINCE } from "../../protocol/version.ts";
import type { Store } from "../store/store.ts";
import type { SessionShared } from "./session-shared.ts";
import type { RunnerIdentity } from "./sessions.ts";

/** The greeting of a runner. */
export type Hello = MessageBodies["hello"];

/**
 * The protocol versions a greeting offers, read loosely: a greeting of a later version may have fields this program doesn't
 * know, and the runner shall hear about the version and not about a field. Undefined when it isn't a greeting at all.
 */
export function offeredVersions(text: string): readonly number[] | undefined {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return undefined;
  }
  const body = isObject(frame) && frame["type"] === "hello" ? frame["body"] : undefined;
  const versions = isObject(body) ? body["protocolVersions"] : undefined;
  if (!Array.isArray(versions) || !versions.every((version) => Number.isInteger(version))) return undefined;
  return versions as readonly number[];
}

/** Why no session can be held in any of these versions, or undefined when one can. */
export function versionProblem(offered: readonly number[]): string | undefined {
  if (negotiateVersion(offered) !== undefined) return undefined;
  return `the runner speaks protocol ${offered.slice(0, 16).join(", ")}, this gateway ${PROTOCOL_VERSIONS.join(", ")}`;
}

/** Why a greeting doesn't fit the upgrade it came through, or undefined. */
export function identityProblem(
  hello: Hello,
  identity: RunnerIdentity,
): { readonly name: "badFrame" | "unauthorized"; readonly reason: string } | undefined {
  if (hello.runnerId !== identity.runnerId) {
    return { name: "badFrame", reason: "the greeting names another runner id than the upgrade request" };
  }
  if (identity.tokenRunnerId !== undefined && identity.tokenRunnerId !== hello.runnerId) {
    return { name: "unauthorized", reason: "the token is good for another runner id only" };
  }
  return undefined;
}

/** The answer to a greeting that is taken. Runners of version 1 aren't told the server's version: they would refuse the frame. */
export function welcomeTo(
  { protocolVersions }: Pick<Hello, "protocolVersions">,
  epoch: number,
  shared: Pick<SessionShared, "clock" | "gatewayVersion" | "serverVersion" | "spreadSeconds">,
): MessageBodies["welcome"] {
  const { clock, gatewayVersion, serverVersion, spreadSeconds } = shared;
  const protocolVersion = negotiateVersion(protocolVersions) ?? 1;
  const isTold = serverVersion !== undefined && protocolVersion >= SERVER_VERSION_SINCE;
  return {
    protocolVersion,
    epoch,
    serverTime: clock.now(),
    gatewayVersion,
    heartbeatSeconds: LIMITS.heartbeatSeconds,
    silenceSeconds: LIMITS.silenceSeconds,
    ...(isTold ? { serverVersion } : {}),
    reconnectSpreadSeconds: spreadSeconds(),
  };
}

/** What the store remembers of a runner. */
export function runnerFacts(hello: Hello, now: number): Parameters<Store["claimSession"]>[0] {
  const { runnerId, installationId, instanceId, runnerVersion, ingestionVersion, executor, platform, host } = hello;
  return {
    runnerId,
    installationId,
    instanceId,
    runnerVersion,
    ...(ingestionVersion === undefined ? {} : { ingestionVersion }),
    executor,
    platform,
    ...(host === undefined ? {} : { host }),
    maxConcurrentRuns: hello.maxConcurrentRuns,
    lastSeenAt: now,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
