import { describeError } from "../../../base/errors.ts";
import type { KeyedQueue } from "../../../base/keyed-queue.ts";
import { EVENTS, type KubernetesEvent, PODS } from "../../../kubernetes/objects.ts";
import { explainRefusal } from "../../pods/explain-refusal.ts";
import type { EndingRecord } from "../../pods/judge/ending-record.ts";
import { type AttemptFacts, isSuspended, suspendedPods } from "../../pods/judge/facts.ts";
import type { EndedVerdict } from "../../pods/judge/verdict.ts";
import { ANNOTATIONS, LABELS } from "../../pods/labels.ts";
import type { KubernetesExecutorOptions } from "../../pods/options.ts";
import type { Rights } from "../../pods/rights/rights.ts";
import { Turns } from "../../pods/turns.ts";
import { JobWrites } from "../job-writes.ts";
import type { RunVerdict } from "../judge/judge-run.ts";
import { retryJob } from "../manifests/manifest.ts";
import { jobOfOrphan, slimEvent, slimJob, slimPod } from "../slim.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { RunStarts } from "./run-starts.ts";
import type { RunDeeds } from "./run-step.ts";

/** What the work on runs stands on. */
export interface RunWorkOptions {
  readonly options: KubernetesExecutorOptions;
  readonly rights: Pick<Rights, "has" | "configIn">;
  readonly view: ClusterView;
  /** Changes of one run's objects, one after another. */
  readonly queue: KeyedQueue;
  readonly starts: RunStarts;
}

/** Calls that are made for runs that nobody waits for: so many at once. */
const DEEDS_AT_ONCE = 8;

/** What is done to a run's objects after they were made. */
export class RunWork implements RunDeeds {
  readonly #parts: RunWorkOptions;
  readonly #writes: JobWrites;
  readonly #turns = new Turns(DEEDS_AT_ONCE);

  readonly readEvents?: (attempt: AttemptFacts) => Promise<void>;

  constructor(parts: RunWorkOptions) {
    this.#parts = parts;
    if (parts.rights.has("events:list") && !parts.rights.has("events:watch"))
      this.readEvents = async (attempt) => parts.view.noteEvents(await this.eventsOf(attempt));
    this.#writes = new JobWrites(parts.options.api, parts.options.namespace);
  }

  /** The run shall stop; nothing where it has no Job any more. */
  async stop(runId: string): Promise<void> {
    const { view, starts } = this.#parts;
    const last = view.attempts(runId).at(-1);
    if (last === undefined) return;
    if (last.job.metadata.annotations?.[ANNOTATIONS.stopRequestedAt] !== undefined) return;
    const act = `stop run ${runId}`;
    const { name } = last.job.metadata;
    const isThere =
      last.jobGoneAt === undefined && (await this.#explained(act, this.#writes.stop(name, starts.clusterNow())));
    if (!isThere) await this.#explained(act, this.#removeLeft(last));
  }

  async #explained<T>(act: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw explainRefusal(error, act, this.#parts.options.namespace);
    }
  }

  /** The gateway has all of the run: its objects may go. */
  async release(runId: string, isStopped: boolean): Promise<void> {
    const { options, view, starts } = this.#parts;
    for (const attempt of view.attempts(runId)) {
      const { job, jobGoneAt } = attempt;
      starts.forget(job.metadata.name);
      if (jobGoneAt !== undefined) {
        await this.#removeLeft(attempt);
        continue;
      }
      // A suspended Job never finishes, so that no time-to-live would begin.
      if (isStopped || isSuspended(job)) await this.#writes.remove(job);
      else await this.#writes.acknowledge(job.metadata.name, starts.clusterNow(), options.ttlSecondsAfterFinished);
    }
  }

  /** Pods whose Job isn't known belong to runs all the same: a Job may be deleted without them, also while the runner was away. */
  async adoptOrphans(): Promise<void> {
    const { view, options } = this.#parts;
    await Promise.all(
      view.orphans().map((pod) =>
        this.#turns.take(async () => {
          const job = jobOfOrphan(pod);
          if (job === undefined) return;
          try {
            const found = await this.#writes.read(job.metadata.name);
            if (found === undefined || found.metadata.uid !== job.metadata.uid) view.noteGone(job);
            else {
              view.noteJob(slimJob(found));
              if (options.isStandby?.() !== true) await this.#writes.giveLabelsBack(found);
            }
          } catch (error) {
            options.log.warn("The Job of a pod can't be looked for", {
              pod: pod.metadata.name,
              error: describeError(error),
            });
          }
        }),
      ),
    );
  }

  /** What is left of a Job that somebody deleted; without its pods, when that was `--cascade=orphan`. */
  async #removeLeft({ job, pods }: AttemptFacts): Promise<void> {
    const { rights, options } = this.#parts;
    const { name, labels } = job.metadata;
    const there = pods.filter(({ goneAt }) => goneAt === undefined).map(({ pod }) => pod.metadata.name);
    // Runs of schedules and later attempts have no configuration of their own.
    const isOwner = labels?.[LABELS.runId] !== undefined && labels[LABELS.attempt] === "1";
    const mayRemove = rights.has("pods:delete");
    if (there.length > 0 && !mayRemove)
      options.log.warn("A pod that outlived its Job stays: there is no right to remove it", { pods: there.join(", ") });
    await this.#writes.removeLeft(mayRemove ? there : [], isOwner ? { name, kind: rights.configIn } : undefined);
  }

  confirm(attempt: AttemptFacts): Promise<boolean> {
    const { options, view } = this.#parts;
    const labelSelector = `${LABELS.jobName}=${attempt.job.metadata.name}`;
    return this.#turns.take(async () => {
      const { items } = await options.api.list(PODS, options.namespace, { labelSelector });
      view.notePods(items.map(slimPod));
      view.confirmPods(attempt.job.metadata.name, new Set(items.map(({ metadata }) => metadata.name)));
      return true;
    });
  }

  endPods({ job }: AttemptFacts, verdict: EndedVerdict): Promise<void> {
    const { options } = this.#parts;
    const { name } = job.metadata;
    const record = recordOf(verdict);
    options.log.info("The pods of a run are ended", { job: name, why: record.category ?? "only side-cars are left" });
    return this.#turns.take(async () => {
      await this.#explained(`end the pods of Job ${name}`, this.#writes.end(name, record));
    });
  }

  noteSuspension({ job }: AttemptFacts, pods: readonly string[]): Promise<void> {
    const { options } = this.#parts;
    const { name } = job.metadata;
    options.log.info("A run's Job was suspended, and its pod ended", { job: name, pods: pods.join(", ") });
    return this.#turns.take(async () => {
      await this.#writes.noteSuspension(name, [...suspendedPods(job), ...pods]);
    });
  }

  setDeadline({ job }: AttemptFacts, seconds: number | null): Promise<void> {
    return this.#turns.take(async () => {
      await this.#writes.setDeadline(job, seconds);
    });
  }

  /** A Job that is there already was made before, by this very step. */
  retry(runId: string, { job }: AttemptFacts, next: NonNullable<RunVerdict["retry"]>): Promise<void> {
    const { options, queue, view, starts } = this.#parts;
    return queue.run(runId, async () => {
      const last = view.attempts(runId).at(-1);
      const isStopped = last?.job.metadata.annotations?.[ANNOTATIONS.stopRequestedAt] !== undefined;
      if (isStopped || last?.job.metadata.name !== job.metadata.name) return;
      const previous = await this.#writes.read(job.metadata.name);
      if (previous === undefined || previous.metadata.annotations?.[ANNOTATIONS.stopRequestedAt] !== undefined) return;
      const wanted = retryJob(previous, runId, next.attempt);
      const annotations = { ...wanted.metadata.annotations, [ANNOTATIONS.freeAttempts]: String(next.free) };
      const whole = { ...wanted, metadata: { ...wanted.metadata, annotations } };
      const made = await this.#explained(`make attempt ${next.attempt} of run ${runId}`, this.#writes.create(whole));
      const attempt = made ?? (await this.#writes.read(wanted.metadata.name));
      if (attempt === undefined) return;
      starts.noteMade(attempt.metadata.name);
      view.noteJob(slimJob(attempt));
      options.log.info("A run is tried again", { run: runId, job: wanted.metadata.name, attempt: next.attempt });
    });
  }

  async hasConfig(_runId: string, { job }: AttemptFacts): Promise<boolean> {
    const { rights, starts } = this.#parts;
    const { name, labels } = job.metadata;
    const attempt = Number(labels?.[LABELS.attempt] ?? "1");
    // The pods of a schedule read the pipeline's own object, those of later attempts that of the first.
    if (starts.made(name) || labels?.[LABELS.runId] === undefined || attempt > 1) return true;
    return this.#turns.take(() => this.#writes.hasConfig(name, rights.configIn));
  }

  /** Events of an attempt; read now where they aren't watched. */
  async eventsOf(attempt: AttemptFacts): Promise<readonly KubernetesEvent[]> {
    const { options, rights } = this.#parts;
    if (rights.has("events:watch") || !rights.has("events:list")) return attempt.events;
    const names = [attempt.job.metadata.name, ...attempt.pods.map(({ pod }) => pod.metadata.name)];
    try {
      const lists = await this.#turns.take(() =>
        Promise.all(
          names.map((name) =>
            options.api.list(EVENTS, options.namespace, { fieldSelector: `involvedObject.name=${name}`, limit: 100 }),
          ),
        ),
      );
      return lists.flatMap(({ items }) => items.map(slimEvent)).filter(({ reason }) => reason !== undefined);
    } catch (error) {
      options.log.debug("Events of a run can't be read", { error: describeError(error) });
      return attempt.events;
    }
  }
}

function recordOf(verdict: EndedVerdict): EndingRecord {
  const { failure, endedAt, startedAt, exitCode, pod, proof, state } = verdict;
  return {
    state: state === "success" ? "success" : "failed",
    at: Math.round(endedAt),
    proof,
    ...(pod === undefined ? {} : { pod }),
    ...(startedAt === undefined ? {} : { startedAt: Math.round(startedAt) }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(failure === undefined ? {} : failure),
    ...(verdict.endPods === "pods" ? { await: "pods" as const } : {}),
  };
}
