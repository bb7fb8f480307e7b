import { LIMITS } from "../../../protocol/limits.ts";
import type { RunReport } from "../../../protocol/messages.ts";
import { type AttemptFacts, currentPod, hasPrinted } from "../judge/facts.ts";
import type { EndedVerdict } from "../judge/verdict.ts";
import type { PodLogs } from "../logs/pod-logs.ts";
import { MAIN } from "../template/pod-names.ts";
import { endReport, eventLines, type RunKey } from "./run-report.ts";

/** What endings are made of. */
export interface RunEndingsOptions {
  readonly logs: PodLogs;
  /** Lines of ours for a failure, where events can't be read. */
  readonly eventsMissing?: string;
  /** Events of an attempt that are not watched. */
  readonly readEvents?: (attempt: AttemptFacts) => Promise<AttemptFacts["events"]>;
}

/** Captures what a run leaves behind, before anything of it is removed, and makes its terminal report. */
export class RunEndings {
  readonly #options: RunEndingsOptions;

  constructor(options: RunEndingsOptions) {
    this.#options = options;
  }

  /** The container runs: its log is spooled from now on. */
  follow(runId: string, attempt: number, podName: string, startedAt?: number): void {
    const times = startedAt === undefined ? {} : { startedAt };
    this.#options.logs.follow({ runId, attempt, podName, container: MAIN, ...times });
  }

  /** The container has ended and its pod is going to be removed: the log is read to its end, as far as that goes in 10 s. */
  async drain(
    runId: string,
    attempt: number,
    podName: string,
    { startedAt, log }: Pick<EndedVerdict, "startedAt" | "log"> = {},
  ): Promise<void> {
    this.follow(runId, attempt, podName, startedAt);
    await this.#options.logs.end(runId, log);
  }

  /** The terminal report. What is released is not read again. */
  async report(key: RunKey, last: AttemptFacts, verdict: EndedVerdict, isReleased = false): Promise<RunReport> {
    if (isReleased) return endReport(key, verdict, { logTail: [], events: [] });
    const { logs, eventsMissing, readEvents } = this.#options;
    const pod = currentPod(last.pods)?.pod;
    if (pod !== undefined && hasPrinted(last))
      this.follow(key.runId, last.attempt, pod.metadata.name, verdict.startedAt);
    const log = await logs.end(key.runId, verdict.log);
    const isFailed = verdict.failure !== undefined;
    const logTail = isFailed ? await logs.tail(key.runId, LIMITS.failureLogLines) : [];
    const events = isFailed ? eventLines((await readEvents?.(last)) ?? last.events) : [];
    const lines = isFailed && eventsMissing !== undefined ? [eventsMissing] : events;
    return endReport(key, verdict, { ...(log === undefined ? {} : { log }), logTail, events: lines });
  }
}
