import type { Log } from "../../../base/log.ts";
import { type AttemptFacts, hasPrinted } from "../../pods/judge/facts.ts";
import { type AttemptVerdict, hasEnded } from "../../pods/judge/verdict.ts";
import { ANNOTATIONS, LABELS } from "../../pods/labels.ts";
import type { LivePipelines } from "../../pods/reports/live-pipelines.ts";
import type { JobWrites } from "../job-writes.ts";

/** What giving way stands on. */
export interface GiveWayOptions {
  readonly live: LivePipelines;
  readonly writes: Pick<JobWrites, "giveWay" | "remove">;
  readonly isStandby: () => boolean;
  /** Epoch milliseconds by the cluster's clock. */
  readonly now: () => number;
  /** Nothing is kept of the run any more. */
  readonly drop: (runId: string) => void;
  /** A fire of a schedule came to nothing, because a run of its pipeline was live. */
  readonly onSkipped: () => void;
  readonly log: Log;
}

/** A run as it stands now. */
export interface RunNow {
  readonly runId: string;
  readonly pipelineId: string;
  readonly attempts: readonly AttemptFacts[];
  readonly verdict: AttemptVerdict;
  /** True when something was told of it before, by this process. */
  readonly isTold: boolean;
  /** What was done for the run, each at most once. */
  readonly done: Set<string>;
}

/** A program that runs for no longer has just begun; one that has run for longer began when no runner was there to see it, and goes on. */
const JUST_BEGUN_MS = 30_000;

/** The mark of a run that was told to go on beside another one. */
const BESIDE = "beside";

/**
 * One run of a pipeline at a time, also where the cluster fires (docs/adr/0019): a CronJob knows only its own Jobs, so the
 * run that it starts beside another live one is ended again. What never began is a fire that was skipped and no run.
 */
export class GiveWay {
  readonly #options: GiveWayOptions;

  constructor(options: GiveWayOptions) {
    this.#options = options;
  }

  /** What is to be done in place of telling how the run stands; undefined when that is to be told. */
  look(run: RunNow): (() => Promise<void>) | undefined {
    const { isStandby } = this.#options;
    const [first] = run.attempts;
    if (first === undefined || !isScheduled(run.attempts) || run.attempts.length > 1) return undefined;
    const { annotations = {} } = first.job.metadata;
    if (annotations[ANNOTATIONS.skippedFor] !== undefined) return this.#lookSkipped(run, first);
    const isEnding = annotations[ANNOTATIONS.stopRequestedAt] !== undefined || first.jobGoneAt !== undefined;
    if (hasEnded(run.verdict) || isEnding || isStandby()) return undefined;
    const other = this.#options.live.besides(run.pipelineId, run.runId);
    if (other === undefined) return undefined;
    if (this.#mayGive(run.verdict)) return () => this.#give(run, first, other);
    this.#warn(run, other);
    return undefined;
  }

  #mayGive(verdict: AttemptVerdict): boolean {
    if (verdict.state === "queued") return true;
    return verdict.state === "running" && this.#options.now() - verdict.startedAt < JUST_BEGUN_MS;
  }

  async #give({ runId, pipelineId, isTold }: RunNow, { job }: AttemptFacts, other: string): Promise<void> {
    const { writes, now, log } = this.#options;
    log.warn("A scheduled run gives way, because a run of its pipeline is live", {
      pipeline: pipelineId,
      run: runId,
      live: other,
    });
    await writes.giveWay(job.metadata.name, now(), other, isTold);
  }

  /** It is being ended, or has come to its end. */
  #lookSkipped(run: RunNow, first: AttemptFacts): (() => Promise<void>) | undefined {
    const { writes, drop, isStandby, onSkipped } = this.#options;
    if (run.isTold) return undefined;
    const nothing = async (): Promise<void> => undefined;
    if (!hasEnded(run.verdict)) return nothing;
    // What has begun was a run, and is told as one that was stopped.
    if (run.verdict.startedAt !== undefined || hasPrinted(first)) return undefined;
    if (isStandby()) return nothing;
    return async () => {
      await writes.remove(first.job);
      drop(run.runId);
      onSkipped();
    };
  }

  #warn({ runId, pipelineId, done }: RunNow, other: string): void {
    if (done.has(BESIDE)) return;
    done.add(BESIDE);
    this.#options.log.warn(
      "Two runs of a pipeline go on beside each other: one was started by its schedule while no runner was there",
      { pipeline: pipelineId, run: runId, live: other },
    );
  }
}

/** True for a run that its CronJob has started: what that makes has no label of a run. */
export function isScheduled([first]: readonly AttemptFacts[]): boolean {
  return first !== undefined && first.job.metadata.labels?.[LABELS.runId] === undefined;
}
