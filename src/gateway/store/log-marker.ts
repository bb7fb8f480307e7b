/** The line that stands in a log for bytes that never came. */
export function gapMarker(bytes: number): string {
  return `\n[gap: ${bytes} bytes of log are missing here]\n`;
}

/** The line that stands in a log for its middle, which is not sent. Nobody shall take it for a failure. */
export function leftOutMarker(runId: string, bytes: number): string {
  return `\n[hybrid-runner: ${bytes} bytes of log are not shown here. Nothing is wrong with the run: its log is longer than what is sent. All of it is on the runner's machine: hybrid-runner logs ${runId}]\n`;
}

const CEILINGS: Readonly<Record<string, string>> = {
  run: "its log is longer than this gateway keeps of one run",
  runner: "the logs of its runner are as much as this gateway keeps of one runner",
  store: "this gateway has as much log as it keeps",
};

/** The line that stands in a log for what the gateway doesn't keep of it. */
export function cappedMarker(runId: string, bytes: number, by: string): string {
  return `\n[hybrid-runner: ${bytes} bytes of log are not kept here. Nothing is wrong with the run: ${CEILINGS[by] ?? "a ceiling is met"}. What its runner's machine keeps of it: hybrid-runner logs ${runId}]\n`;
}

/** What the reader of a log is told while its rest stays on site. */
export function heldNote(runId: string, offset: number): string {
  return `[hybrid-runner: the run goes on. The first ${offset} bytes of its log are here; the last part follows when the run has ended. All of it is on the runner's machine: hybrid-runner logs ${runId}]`;
}
