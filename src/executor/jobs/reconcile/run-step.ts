import type { RunReport } from "../../../protocol/messages.ts";
import { isTerminal } from "../../../protocol/run-state.ts";
import type { SecretReads } from "../../../protocol/secret-reads.ts";
import {
  type AttemptFacts,
  conditionOf,
  currentPod,
  hasPrinted,
  type RunFacts,
  type SeenPod,
  timeOf,
} from "../../pods/judge/facts.ts";
import { type AttemptVerdict, type EndedVerdict, hasEnded } from "../../pods/judge/verdict.ts";
import { LABELS } from "../../pods/labels.ts";
import type { RunEndings } from "../../pods/reports/run-endings.ts";
import { liveReport, type RunKey } from "../../pods/reports/run-report.ts";
import { podsEnded } from "../judge/judge-attempt.ts";
import { judgeRun, type RunVerdict } from "../judge/judge-run.ts";
import { wantedDeadline } from "../judge/suspension.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { GiveWay } from "./give-way.ts";

/** What a run's care needs of the cluster; each deed is done at most once at a time for a run. */
export interface RunDeeds {
  /** Reads again what a verdict rests on when it rests on absence. True when there was something new. */
  confirm(attempt: AttemptFacts): Promise<boolean>;
  /** Ends the pods of the attempt, with the verdict on record. */
  endPods(attempt: AttemptFacts, verdict: EndedVerdict): Promise<void>;
  /** Puts on record with the Job that a suspension ended these pods of it. */
  noteSuspension(attempt: AttemptFacts, pods: readonly string[]): Promise<void>;
  /** Changes the deadline of the attempt's Job, `null` to none; another change of the Job has the right of way. */
  setDeadline(attempt: AttemptFacts, seconds: number | null): Promise<void>;
  /** Makes the Job of the next attempt. */
  retry(runId: string, attempt: AttemptFacts, next: NonNullable<RunVerdict["retry"]>): Promise<void>;
  /** Reads the events of an attempt into the view. Absent where they are watched, or may not be read. */
  readonly readEvents?: (attempt: AttemptFacts) => Promise<void>;
  /** False when the configuration of a run that waits to start is missing. */
  hasConfig(runId: string, attempt: AttemptFacts): Promise<boolean>;
}

/** A run that is looked after. */
export interface CaredRun {
  report: RunReport | undefined;
  busy: boolean;
  /** Something has changed since the look that is under way began. */
  dirty: boolean;
  troubles: number;
  /** What the cluster refused to do for it last, for people: told as what it waits for, as long as it waits. */
  refused: { stop?: string; step?: string };
  /** The next look that nothing but time brings; `at` by the steady clock. */
  nextLook: { readonly at: number; readonly cancel: () => void } | undefined;
  /** Attempts whose absence of pods was confirmed, whose configuration was looked for, whose pods were told to end. */
  readonly done: Set<string>;
  /** When its events were read last, where they aren't watched. */
  eventsReadAt: number;
  watchers: (() => void)[];
}

/** What a step stands on. */
export interface RunStepsOptions {
  readonly view: ClusterView;
  readonly deeds: RunDeeds;
  readonly endings: RunEndings;
  /** Has a say before anything is told of a run. */
  readonly giveWay: Pick<GiveWay, "look">;
  readonly startTimeoutMs: number;
  readonly isStandby: () => boolean;
  readonly isClosed: () => boolean;
  /** Epoch milliseconds by the cluster's clock. */
  readonly now: () => number;
  /** Hands on a report, when it is news. */
  readonly tell: (run: CaredRun, report: RunReport) => void;
  /** Told how often a run that has ended read its secret store. */
  readonly onSecretReads?: (reads: SecretReads) => void;
  /** Looks again after so many milliseconds; the earliest of several counts. */
  readonly lookLater: (runId: string, run: CaredRun, delayMs: number) => void;
}

/** Events that aren't watched are read so often while a run waits, and seldom when it has waited long. */
const EVENTS_PAUSE_MS = 3000;
const EVENTS_LONG_PAUSE_MS = 30_000;
const EVENTS_OFTEN_MS = 60_000;
const STANDBY_LOOK_MS = 5000;
/** Whoever makes a Job makes its configuration in this time, or never. */
const CONFIG_MS = 40_000;
/** A Job that has ended while its pod is seen alive: the watch of pods may be behind. */
const STALE_MS = 5000;
/** The mark of a run, or with its number of an attempt, that this process never saw live. */
const FOUND_ENDED = "found ended";

/** One look at a run: what it has come to, and what follows from that. */
export class RunSteps {
  readonly #options: RunStepsOptions;

  constructor(options: RunStepsOptions) {
    this.#options = options;
  }

  /** Looks and acts. A run that has ended is left as it was told. */
  async step(runId: string, run: CaredRun): Promise<void> {
    const { view, now, startTimeoutMs } = this.#options;
    if (run.report !== undefined && isTerminal(run.report.state)) return;
    // What comes of a run after its end is acknowledged is no news, but for whoever asks.
    if (view.isReleased(runId) && run.watchers.length === 0) return;
    const attempts = view.attempts(runId);
    const last = attempts.at(-1);
    if (last === undefined) return;
    const toldAttempt = run.report?.attempt ?? 0;
    const facts: RunFacts = { runId, attempts, now: now(), startTimeoutMs, toldAttempt };
    const verdict = judgeRun(facts);
    if (await this.#confirm(runId, run, last, verdict)) {
      run.dirty = true;
      return;
    }
    const deadline = wantedDeadline(last);
    if (deadline !== undefined && !this.#options.isStandby()) await this.#options.deeds.setDeadline(last, deadline);
    if (verdict.suspended !== undefined) return this.#noteSuspension(runId, run, last, verdict.suspended);
    const key: RunKey = {
      runId,
      pipelineId: last.job.metadata.labels?.[LABELS.pipelineId] ?? "",
      attempt: verdict.attempt,
    };
    const { done } = run;
    const isTold = run.report !== undefined;
    const deed = this.#options.giveWay.look({ ...key, attempts, verdict: verdict.verdict, isTold, done });
    if (deed !== undefined) return deed();
    if (hasEnded(verdict.verdict)) return this.#finish(run, key, last, verdict, verdict.verdict);
    // A program that hasn't ended may still end well: whoever comes after a crash must find that another attempt was told of.
    if (verdict.attempt > last.attempt && verdict.end?.exitCode === undefined)
      await this.#endPods(run, last, verdict.end);
    if (run.report === undefined && verdict.before !== undefined) run.done.add(`${FOUND_ENDED} ${last.attempt}`);
    if (verdict.attempt >= toldAttempt) this.#options.tell(run, liveReport(key, verdict.verdict));
    if (verdict.verdict.state === "running")
      this.#options.endings.follow(runId, last.attempt, verdict.verdict.pod, verdict.verdict.startedAt);
    if (verdict.verdict.lookAt !== undefined) this.#options.lookLater(runId, run, verdict.verdict.lookAt - facts.now);
    await this.#act(runId, run, last, verdict, facts.now);
    if (verdict.verdict.state === "queued" && verdict.retry === undefined)
      await this.#readEvents(runId, run, last, facts.now, verdict.verdict.lookAt);
  }

  async #act(runId: string, run: CaredRun, last: AttemptFacts, verdict: RunVerdict, now: number): Promise<void> {
    const { deeds, endings, isStandby } = this.#options;
    if (verdict.before !== undefined) await this.#drain(runId, run, last, verdict.before);
    const isWork = verdict.end !== undefined || verdict.retry !== undefined || verdict.verdict.state === "queued";
    if (!isWork) return;
    if (isStandby()) return this.#options.lookLater(runId, run, STANDBY_LOOK_MS);
    if (verdict.end !== undefined && !run.done.has(`end ${last.attempt}`)) {
      if (verdict.before === undefined && verdict.end.startedAt !== undefined && verdict.end.pod !== undefined)
        await endings.drain(runId, last.attempt, verdict.end.pod, verdict.end);
      await this.#endPods(run, last, verdict.end);
    }
    if (verdict.retry !== undefined && verdict.retry.dueAt <= now) {
      await deeds.retry(runId, last, verdict.retry);
      return;
    }
    if (verdict.verdict.state === "queued" && verdict.retry === undefined && verdict.end === undefined)
      await this.#checkConfig(runId, run, last);
  }

  /** The log of what was ended is read before it is gone. What is on record makes the next attempt, and wakes this run again. */
  async #noteSuspension(runId: string, run: CaredRun, last: AttemptFacts, pods: readonly SeenPod[]): Promise<void> {
    const { deeds, endings, isStandby } = this.#options;
    const names = pods.map(({ pod }) => pod.metadata.name);
    const mark = `suspended ${names.join(" ")}`;
    if (run.done.has(mark)) return;
    if (isStandby()) return this.#options.lookLater(runId, run, STANDBY_LOOK_MS);
    const pod = names.at(-1);
    if (pod !== undefined) await endings.drain(runId, last.attempt, pod);
    await deeds.noteSuspension(last, names);
    run.done.add(mark);
  }

  /** What keeps a run waiting may be told by nothing but events. */
  async #readEvents(runId: string, run: CaredRun, last: AttemptFacts, now: number, lookAt = now): Promise<void> {
    const { deeds, lookLater } = this.#options;
    if (deeds.readEvents === undefined) return;
    const age = now - (timeOf(last.job.metadata.creationTimestamp) ?? now);
    const pauseMs = age < EVENTS_OFTEN_MS ? EVENTS_PAUSE_MS : EVENTS_LONG_PAUSE_MS;
    const dueIn = Math.max(EVENTS_PAUSE_MS - age, run.eventsReadAt + pauseMs - now);
    if (dueIn <= 0) {
      run.eventsReadAt = now;
      await deeds.readEvents(last);
    }
    const nextIn = dueIn <= 0 ? pauseMs : dueIn;
    lookLater(runId, run, lookAt > now ? Math.min(nextIn, lookAt - now) : nextIn);
  }

  /** What the attempt printed is read before the next one goes on in the same log, and compared with what its wrapper stated. */
  async #drain(runId: string, run: CaredRun, last: AttemptFacts, ended: EndedVerdict): Promise<void> {
    const pod = currentPod(last.pods)?.pod;
    const mark = `drained ${last.attempt}`;
    if (run.done.has(mark)) return;
    run.done.add(mark);
    // What was found ended was counted by the process that saw it run, if any did.
    const isSeen = !run.done.has(`${FOUND_ENDED} ${last.attempt}`);
    if (isSeen && ended.secretReads !== undefined) this.#options.onSecretReads?.(ended.secretReads);
    if (pod === undefined || !hasPrinted(last)) return;
    await this.#options.endings.drain(runId, last.attempt, pod.metadata.name, ended);
  }

  /** A Job that was found waiting may be what a crash left between Job and configuration: its pod has a node, and doesn't start. */
  async #checkConfig(runId: string, run: CaredRun, last: AttemptFacts): Promise<void> {
    const mark = `config ${last.attempt}`;
    const pod = currentPod(last.pods)?.pod;
    if (run.done.has(mark) || pod === undefined || conditionOf(pod, "PodScheduled") === undefined) return;
    const age = this.#options.now() - (timeOf(last.job.metadata.creationTimestamp) ?? 0);
    if (age < CONFIG_MS) return this.#options.lookLater(runId, run, CONFIG_MS - age);
    run.done.add(mark);
    try {
      if (await this.#options.deeds.hasConfig(runId, last)) return;
    } catch (error) {
      run.done.delete(mark);
      throw error;
    }
    await this.#options.deeds.endPods(last, {
      state: "failed",
      endedAt: this.#options.now(),
      proof: `Job ${last.job.metadata.name} has no configuration`,
      endPods: "pods",
      failure: {
        category: "Lost",
        summary: "the runner ended between making the run's Job and its configuration",
        detail: `Job ${last.job.metadata.name} is there, and the object with its configuration is not; the program was never started`,
        advice: "Run again",
      },
    });
    run.done.add(`end ${last.attempt}`);
  }

  /** True when what was read again is something new, so that the run has to be judged anew. */
  async #confirm(runId: string, run: CaredRun, last: AttemptFacts, { verdict }: RunVerdict): Promise<boolean> {
    const { now, deeds } = this.#options;
    const finished = last.job.status?.conditions?.find(({ type }) => type === "Failed" || type === "Complete");
    const since = finished?.lastTransitionTime === undefined ? 0 : Date.parse(finished.lastTransitionTime);
    const isAbsent = hasEnded(verdict) && last.pods.length === 0 && last.jobGoneAt === undefined;
    const isUnequal = !hasEnded(verdict) && finished !== undefined && !podsEnded(last);
    const staleIn = since + STALE_MS - now();
    const isStale = isUnequal && staleIn <= 0;
    if (isUnequal && !isStale) this.#options.lookLater(runId, run, staleIn);
    const mark = `${isAbsent ? "absent" : "stale"} ${last.attempt} ${last.job.status?.failed ?? 0}`;
    if (!(isAbsent || isStale) || run.done.has(mark)) return false;
    run.done.add(mark);
    return deeds.confirm(last);
  }

  async #finish(
    run: CaredRun,
    key: RunKey,
    last: AttemptFacts,
    { end }: RunVerdict,
    verdict: EndedVerdict,
  ): Promise<void> {
    const { endings } = this.#options;
    const endFirst = end !== undefined && verdict.state !== "success" && verdict.exitCode === undefined;
    // Reading the log to its end takes a while: until then the run is told as what it was.
    if (run.report === undefined) {
      run.done.add(FOUND_ENDED);
      this.#options.tell(run, liveReport(key, wasBefore(verdict)));
    }
    if (endFirst) await this.#endPods(run, last, end);
    const report = await endings.report(key, last, verdict, this.#options.view.isReleased(key.runId));
    if (this.#options.isClosed()) return;
    // What was found ended was counted by the process that saw it run, if any did.
    if (verdict.secretReads !== undefined && !run.done.has(FOUND_ENDED))
      this.#options.onSecretReads?.(verdict.secretReads);
    this.#options.tell(run, report);
    await this.#endPods(run, last, end);
  }

  /** Once, and by the runner that works. */
  async #endPods(run: CaredRun, last: AttemptFacts, end: EndedVerdict | undefined): Promise<void> {
    const mark = `end ${last.attempt}`;
    if (end === undefined || run.done.has(mark) || this.#options.isStandby()) return;
    await this.#options.deeds.endPods(last, end);
    run.done.add(mark);
  }
}

function wasBefore({ startedAt, pod = "" }: EndedVerdict): Exclude<AttemptVerdict, EndedVerdict> {
  return startedAt === undefined ? { state: "queued" } : { state: "running", startedAt, pod };
}
