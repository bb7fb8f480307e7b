import type { RunReport } from "../../src/protocol/messages.ts";

/** What a report of this state must have beside it, in few words. */
export function stateFacts(state: RunReport["state"]): Pick<RunReport, "proof" | "failure"> {
  if (state === "success" || state === "partialSuccess") return { proof: "exit code 0" };
  if (state !== "failed") return {};
  return { failure: { category: "ExitCode", summary: "it failed", advice: "read the log", logTail: [] } };
}
