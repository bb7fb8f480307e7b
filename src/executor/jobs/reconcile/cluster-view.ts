import type { Job, KubernetesEvent, Pod } from "../../../kubernetes/objects.ts";
import type { Change, Watched } from "../../../kubernetes/watched.ts";
import { BOUNDS, isWithin } from "../../../protocol/bounds.ts";
import {
  type AttemptFacts,
  deletionAskedAt,
  eventTime,
  numberIn,
  type SeenPod,
  suspendedPods,
} from "../../pods/judge/facts.ts";
import { ANNOTATIONS, LABELS } from "../../pods/labels.ts";
import { podsSinceResume } from "../judge/suspension.ts";

/** What the view is made of. */
export interface ClusterViewOptions {
  readonly jobs: Watched<Job>;
  readonly pods: Watched<Pod>;
  /** Absent where there is no right to watch them. */
  readonly events?: Watched<KubernetesEvent>;
  /** Epoch milliseconds by the cluster's clock. */
  readonly now: () => number;
  /** Something of this run has changed. */
  readonly onChange: (runId: string) => void;
}

/** Events of Jobs that haven't come yet, or are another runner's: so many Jobs. */
const MOST_EARLY = 500;
/** Events kept of one attempt. */
const MOST_EVENTS = 40;
/** What the Job controller appends to the Job's name: a dash and five characters. */
const POD_SUFFIX = /-[a-z0-9]{5}$/;

interface AttemptObjects {
  readonly runId: string;
  readonly name: string;
  job?: Job;
  jobGoneAt?: number;
  pods: SeenPod[];
  events: KubernetesEvent[];
  /** The run's end is acknowledged: what vanishes now is no news. */
  released?: true;
}

/**
 * The objects of this runner's runs as the watches tell them, put together by run. What vanished is kept as it was seen last,
 * until its run is forgotten: it is the evidence of what happened.
 */
export class ClusterView {
  readonly #options: ClusterViewOptions;
  readonly #attempts = new Map<string, AttemptObjects>();
  readonly #runs = new Map<string, AttemptObjects[]>();
  readonly #early = new Map<string, KubernetesEvent[]>();
  readonly #unsubscribe: (() => void)[] = [];

  constructor(options: ClusterViewOptions) {
    this.#options = options;
    this.#unsubscribe.push(options.jobs.onChange((change) => this.#onJob(change)));
    this.#unsubscribe.push(options.pods.onChange((change) => this.#onPod(change)));
    if (options.events !== undefined)
      this.#unsubscribe.push(options.events.onChange((change) => this.#onEvent(change)));
  }

  /** Every run that something is known of. */
  runIds(): Iterable<string> {
    return this.#runs.keys();
  }

  /** What is known of a run's attempts, in rising order; empty for a run without a Job. */
  attempts(runId: string): readonly AttemptFacts[] {
    return (this.#runs.get(runId) ?? [])
      .flatMap(({ job, jobGoneAt, pods, events }) => {
        if (job === undefined) return [];
        const told = numberIn(job.metadata.labels?.[LABELS.attempt]);
        const first = isWithin(BOUNDS.attempt, told) ? told : 1;
        const attempt = Math.min(first + suspendedPods(job).length, BOUNDS.attempt.most);
        const now = podsSinceResume(job, pods);
        return [{ attempt, job, pods: now, events, ...(jobGoneAt === undefined ? {} : { jobGoneAt }) }];
      })
      .sort((one, other) => one.attempt - other.attempt);
  }

  /** True for a run that a Job is known of. */
  has(runId: string): boolean {
    return this.#runs.get(runId)?.some(({ job }) => job !== undefined) === true;
  }

  /** A Job that was just made or changed here: known before the watch tells it. */
  noteJob(job: Job): void {
    const known = this.#attempts.get(job.metadata.name);
    if (known?.job?.metadata.uid === job.metadata.uid && known?.job !== undefined) return;
    this.#onJob({ type: "set", object: job });
  }

  /** A pod of each Job that isn't known: it was deleted and its pods were left, or it has just been made. */
  orphans(): readonly Pod[] {
    return [...this.#attempts.values()]
      .flatMap(({ job, pods }) => (job === undefined ? pods.slice(0, 1) : []))
      .map(({ pod }) => pod);
  }

  /** The API server was just asked and hasn't this Job any more, of which pods are left. */
  noteGone(job: Job): void {
    this.#onJob({ type: "gone", object: job });
  }

  /** Pods as they were just read. */
  notePods(pods: readonly Pod[]): void {
    for (const object of pods) this.#onPod({ type: "set", object });
  }

  /** The API server was just asked: of this Job's pods it has only these. */
  confirmPods(jobName: string, names: ReadonlySet<string>): void {
    const attempt = this.#attempts.get(jobName);
    for (const { pod, goneAt } of attempt?.pods ?? [])
      if (goneAt === undefined && !names.has(pod.metadata.name)) this.#onPod({ type: "gone", object: pod });
  }

  /** Events as they were just read, where they aren't watched. */
  noteEvents(events: readonly KubernetesEvent[]): void {
    for (const object of events) this.#onEvent({ type: "set", object });
  }

  /** The run's end is acknowledged: nothing has to be kept of what is gone. */
  release(runId: string): void {
    for (const attempt of [...(this.#runs.get(runId) ?? [])]) {
      attempt.released = true;
      attempt.pods = attempt.pods.filter(({ goneAt }) => goneAt === undefined);
      attempt.events = [];
      if (attempt.jobGoneAt !== undefined) this.#drop(attempt);
    }
  }

  /** True when the gateway has the end and the log of the run. */
  isReleased(runId: string): boolean {
    return this.#runs.get(runId)?.some(isOver) === true;
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #onJob({ type, object }: Change<Job>): void {
    const runId = runIdOfJob(object);
    if (runId === undefined) return;
    const attempt = this.#attempt(object.metadata.name, runId);
    if (type === "gone" && attempt.job !== undefined && attempt.job.metadata.uid !== object.metadata.uid) return;
    attempt.job = object;
    // A delete makes an object bigger, even of what isn't there.
    if (type === "set" && attempt.jobGoneAt !== undefined) delete attempt.jobGoneAt;
    if (type === "gone") attempt.jobGoneAt = this.#options.now();
    if (type === "gone" && isOver(attempt)) this.#drop(attempt);
    this.#options.onChange(runId);
  }

  #onPod({ type, object }: Change<Pod>): void {
    const labels = object.metadata.labels ?? {};
    const jobName = labels[LABELS.jobName];
    const runId = labels[LABELS.runId] ?? labels[LABELS.jobUid];
    if (jobName === undefined || runId === undefined) return;
    const attempt = this.#attempt(jobName, runId);
    const at = attempt.pods.findIndex(({ pod }) => pod.metadata.name === object.metadata.name);
    const before = attempt.pods[at];
    const others = attempt.pods.filter((seen) => seen !== before);
    const askedAt = before?.deletionAskedAt ?? deletionAskedAt(object);
    const seen: SeenPod = {
      pod: object,
      ...(type === "set" ? {} : { goneAt: this.#options.now() }),
      ...(askedAt === undefined ? {} : { deletionAskedAt: askedAt }),
    };
    // Pods of one second stay in the order in which they came: that one is gone may be told when the next is there.
    const all = before === undefined ? [...others, seen] : attempt.pods.with(at, seen);
    attempt.pods = all.sort((one, other) => created(one).localeCompare(created(other)));
    if (type === "gone" && (attempt.job === undefined || isOver(attempt))) {
      attempt.pods = others;
      if (attempt.job === undefined && others.length === 0) this.#drop(attempt);
    }
    // The pod's own label of it may have been taken off.
    this.#options.onChange(attempt.runId);
  }

  #onEvent({ type, object }: Change<KubernetesEvent>): void {
    const { kind, name } = object.involvedObject;
    if (name === undefined) return;
    const jobName = kind === "Pod" ? name.replace(POD_SUFFIX, "") : name;
    const attempt = this.#attempts.get(jobName);
    const known = attempt?.events ?? this.#early.get(jobName) ?? [];
    const others = known.filter(({ metadata }) => metadata.name !== object.metadata.name);
    const events = type === "set" ? [...others, object] : others;
    events.sort((one, other) => eventTime(one) - eventTime(other));
    if (events.length > MOST_EVENTS) events.shift();
    if (attempt === undefined) {
      this.#keepEarly(jobName, events);
    } else {
      attempt.events = events;
      this.#options.onChange(attempt.runId);
    }
  }

  #keepEarly(jobName: string, events: KubernetesEvent[]): void {
    this.#early.delete(jobName);
    if (events.length === 0) return;
    this.#early.set(jobName, events);
    const oldest = this.#early.keys().next().value;
    if (this.#early.size > MOST_EARLY && oldest !== undefined) this.#early.delete(oldest);
  }

  #attempt(name: string, runId: string): AttemptObjects {
    const known = this.#attempts.get(name);
    if (known !== undefined) return known;
    const made: AttemptObjects = { runId, name, pods: [], events: this.#early.get(name) ?? [] };
    this.#early.delete(name);
    this.#attempts.set(name, made);
    const siblings = this.#runs.get(runId);
    if (siblings === undefined) this.#runs.set(runId, [made]);
    else siblings.push(made);
    return made;
  }

  #drop(attempt: AttemptObjects): void {
    this.#attempts.delete(attempt.name);
    const left = (this.#runs.get(attempt.runId) ?? []).filter((other) => other !== attempt);
    if (left.length === 0) this.#runs.delete(attempt.runId);
    else this.#runs.set(attempt.runId, left);
  }
}

/** The run a Job belongs to: its label, or where a CronJob made it, its own UID. */
export function runIdOfJob(job: Job): string | undefined {
  return job.metadata.labels?.[LABELS.runId] ?? job.metadata.uid;
}

function isOver({ job, released }: AttemptObjects): boolean {
  return released === true || job?.metadata.annotations?.[ANNOTATIONS.acknowledgedAt] !== undefined;
}

function created({ pod }: SeenPod): string {
  return pod.metadata.creationTimestamp ?? "";
}
