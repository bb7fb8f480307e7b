import { createHash } from "node:crypto";
import { onTestFinished } from "vitest";
import { type Clock, systemClock } from "../../../../src/base/clock.ts";
import { silentLog } from "../../../../src/base/log.ts";
import { openPodLogs, type PodLogs, type PodLogsOptions } from "../../../../src/executor/pods/logs/pod-logs.ts";
import type { KubernetesApi } from "../../../../src/kubernetes/api.ts";
import type { LogEnd } from "../../../../src/protocol/messages.ts";
import { temporaryDirectory } from "../../../fakes/temporary-directory.ts";

/** The run of these tests. */
export const RUN = "6f0d3c34-7a5e-4a53-9d2c-0c7a2f1b9e11";

/** Opens logs over an API; they close with the test. */
export async function openLogs(
  api: Pick<KubernetesApi, "podLog">,
  options: Partial<PodLogsOptions> & { readonly clock?: Clock } = {},
): Promise<PodLogs> {
  const logs = await openPodLogs({
    namespace: "ns",
    dataDirectory: options.dataDirectory ?? (await temporaryDirectory()),
    keepReleased: 10,
    keepReleasedDays: 1,
    clock: systemClock,
    log: silentLog,
    ...options,
    api: api as KubernetesApi,
  });
  onTestFinished(() => logs.close());
  return logs;
}

/** Where attempt `attempt` of the run prints. */
export function source(attempt: number = 1, runId: string = RUN): Parameters<PodLogs["follow"]>[0] {
  return { runId, attempt, podName: `pod-${attempt}`, container: "main", startedAt: Date.now() };
}

/** All that can be read of a log, in pieces of `limit` bytes. @throws when the pieces don't join */
export async function readAll(logs: PodLogs, runId: string = RUN, limit: number = 65_536): Promise<string> {
  let text = "";
  for (let offset = 0; ; ) {
    const piece = await logs.read(runId, offset, limit);
    if (piece.text === "") return text;
    if (piece.offset !== offset && offset > 0) throw new Error(`The log jumps from ${offset} to ${piece.offset}`);
    if (piece.nextOffset - piece.offset !== Buffer.byteLength(piece.text)) throw new Error("The log miscounts");
    text += piece.text;
    offset = piece.nextOffset;
  }
}

/** What a log must come to. */
export function endOf(text: string | Uint8Array): LogEnd {
  return { bytes: Buffer.byteLength(text), sha256: createHash("sha256").update(text).digest("hex") };
}

/** Numbered lines, so that a missing, doubled or misplaced one shows. */
export function numberedLines(from: number, count: number, width = 60): string {
  return Array.from(
    { length: count },
    (_, index) => `${String(from + index).padStart(8, "0")} ${"x".repeat(width)}\n`,
  ).join("");
}
