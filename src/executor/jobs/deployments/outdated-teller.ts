import type { Log } from "../../../base/log.ts";

const MOST_NAMES = 10;

/** Tells in the log which CronJobs start runs with an image that isn't the server's, once for each set of them. */
export function outdatedTeller(outdated: () => readonly string[], log: Log): () => void {
  let told = "";
  return () => {
    const names = [...outdated()].sort();
    const text = names.join();
    if (text !== "" && text !== told) {
      log.warn("CronJobs go on starting runs with an ingestion image that is not of the server's version", {
        pipelines: namesOf(names),
        next: "Set INGESTION_IMAGE to one of the server's version and restart the runner, which then mends them all",
      });
    }
    told = text;
  };
}

/** The same in a sentence; undefined when there are none. */
export function outdatedMessage(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  return `CronJobs go on starting runs with an ingestion image that is not of the server's version: ${namesOf([...names].sort())}`;
}

function namesOf(names: readonly string[]): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "";
  return `${names.slice(0, MOST_NAMES).join(", ")}${more}`;
}
