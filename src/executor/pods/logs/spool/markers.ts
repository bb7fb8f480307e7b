/*
 * What we write into a log ourselves, where something of it is missing. Each is a line of its own in the form that the wrapper
 * uses too, so that people can tell it from what the program printed.
 */

/** A line of ours. `inLine`: the text before it has no line end yet. */
export function ownLine(text: string, inLine: boolean): string {
  return `${inLine ? "\n" : ""}[hybrid-runner: ${text.replace(/\s*[\r\n]+\s*/g, " ")}]\n`;
}

/** Between two attempts. */
export function attemptBegins(attempt: number, earlierIsThere: boolean): string {
  return earlierIsThere
    ? `attempt ${attempt}`
    : `attempt ${attempt}; the log of what was before it is not here any more, its length is not known`;
}

/** Between two pods of one attempt: the first one was taken away and the Job made another. */
export function anotherPod(podName: string): string {
  return `pod ${podName} takes the place of the one before`;
}

/** Where what was read before is no more in the log. */
export const ROTATED_HERE =
  "log may be missing here: the node rotated it before this could be read; how many bytes is not known yet";

/** Where it is known how many bytes are missing. */
export function missingHere(bytes: number): string {
  return `${bytes} bytes of this attempt's log are missing here: the node rotated them away before they could be read`;
}

/** After an attempt that turned out to be whole although a line above says that something may be missing. */
export function nothingMissing(): string {
  return "nothing of this attempt's log is missing, also where a line above says that it may be";
}

/** At the front of a log whose beginning is gone. */
export function beginningGone(firstTime: string): string {
  return `what was printed before ${firstTime} is missing here or stands above: the log was read again and the node had rotated it; how many bytes is not known`;
}

/** After an attempt whose log is not what the wrapper stated. */
export function differs(stated: number, arrived: number): string {
  if (arrived < stated) {
    return `${stated - arrived} bytes of this attempt's log are missing: ${stated} bytes were printed, ${arrived} arrived`;
  }
  return `this attempt's log is not as it was printed: ${stated} bytes were printed, ${arrived} arrived`;
}

/** After an attempt of which nobody stated a length, when the node had rotated its log; its file now begins with this time, or is empty. */
export function rotated(firstTime: string): string {
  const last = firstTime === "" ? "at its end" : `the last time before ${firstTime}`;
  return `the node rotated this log, ${last}; lines of such moments may be missing, how many bytes is not known`;
}

/** When the rest of a log can't be read any more. */
export function restUnreadable(reason: string): string {
  return `the rest of this attempt's log could not be read (${reason}); how many bytes are missing is not known`;
}
