import type { LogEnd } from "../../../protocol/messages.ts";
import { sha256Hex } from "../../../runtime/crypto.ts";
import type { PodLogs } from "../logs/pod-logs.ts";
import type { Rights } from "./rights.ts";
import { ruleLines } from "./role.ts";

/**
 * Logs of runs where the runner may not read them: one line that says so and what ends it, the same after every restart,
 * so that a run ends without waiting for a log that never comes.
 */
export function unreadableLogs({ namespace }: Pick<Rights, "namespace">): PodLogs {
  const lines = ruleLines(["pods/log:get"]).join("; ");
  const said = `[hybrid-runner: no log: the runner has no right to get pods/log in namespace ${namespace}; add to its Role: ${lines}]\n`;
  // Plain ASCII in, so that offsets in bytes and in characters are the same.
  const text = said.replace(/[^\n -~]/g, "?");
  const whole: LogEnd = { bytes: text.length, sha256: sha256Hex(text) };
  const runs = new Map<string, { ended: boolean }>();
  return {
    follow: ({ runId }) => {
      if (!runs.has(runId)) runs.set(runId, { ended: false });
    },
    end: async (runId) => {
      runs.set(runId, { ended: true });
      return whole;
    },
    ended: async (runId) => (runs.get(runId)?.ended === true ? whole : undefined),
    read: async (runId, offset, limit) => {
      const run = runs.get(runId);
      const piece = run === undefined ? "" : text.slice(offset, offset + limit);
      const nextOffset = offset + piece.length;
      return { offset, text: piece, nextOffset, ended: run?.ended === true && nextOffset >= text.length };
    },
    tail: async () => [],
    note: async () => undefined,
    release: async (runId) => void runs.delete(runId),
    close: async () => undefined,
  };
}
