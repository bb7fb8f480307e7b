import type { Clock } from "../../../src/base/clock.ts";
import type { Job, Pod } from "../../../src/kubernetes/objects.ts";
import { eventsOf, type TellEvent } from "./cluster-events.ts";
import { deleteObject, removeFinalizer } from "./deletion.ts";
import { finished, finishing, isTerminal, JOB_TRACKING, type JobStatus, judgeJob } from "./job-judgement.ts";
import { kindOf, type Stored, timeText } from "./kinds.ts";
import type { Change, ObjectStore } from "./object-store.ts";
import type { ObjectWrites } from "./object-writes.ts";
import { StatusError } from "./status.ts";

/** What the controller works with. */
export interface JobControllerOptions {
  readonly store: ObjectStore;
  readonly writes: ObjectWrites;
  readonly clock: Clock;
  /** From a change of a pod to the look at its Job; the real one waits a second. */
  readonly syncMs: number;
}

/** The Job controller and the one that removes Jobs after their time-to-live. */
export class JobController {
  readonly #options: JobControllerOptions;
  readonly #tell: TellEvent;
  readonly #planned = new Map<string, { readonly at: number; readonly cancel: () => void }>();
  readonly #stopListening: () => void;

  constructor(options: JobControllerOptions) {
    this.#options = options;
    this.#tell = eventsOf("job-controller", options.store, options.clock);
    this.#stopListening = options.store.onChange((change) => this.#see(change));
  }

  close(): void {
    this.#stopListening();
    for (const { cancel } of this.#planned.values()) cancel();
    this.#planned.clear();
  }

  #see({ object, plural, type }: Change): void {
    if (plural === "jobs") this.#plan(object.metadata.uid ?? "", 0);
    if (plural !== "pods") return;
    const owner = object.metadata.ownerReferences?.find(
      ({ controller, kind }) => kind === "Job" && controller === true,
    );
    if (owner === undefined) {
      // Its Job was deleted without it.
      if (type !== "DELETED") this.#release(object);
      return;
    }
    this.#plan(owner.uid, this.#options.syncMs);
    // A pod whose Job is gone keeps no finalizer of it.
    if (type !== "DELETED" && this.#options.store.withUid(owner.uid) === undefined) this.#release(object);
  }

  /** Looks at a Job after so long, or earlier when that is planned already. */
  #plan(uid: string, delayMs: number): void {
    const { clock } = this.#options;
    const at = clock.monotonic() + delayMs;
    const planned = this.#planned.get(uid);
    if (planned !== undefined && planned.at <= at) return;
    planned?.cancel();
    const cancel = clock.schedule(
      delayMs,
      () => {
        this.#planned.delete(uid);
        this.#sync(uid);
      },
      { unref: true },
    );
    this.#planned.set(uid, { at, cancel });
  }

  #sync(uid: string): void {
    const { clock, store } = this.#options;
    const job = store.withUid(uid) as Job | undefined;
    if (job === undefined) {
      for (const pod of this.#podsOf(uid)) this.#release(pod as Stored);
      return;
    }
    if (finished(job) !== undefined) {
      this.#expire(job);
      return;
    }
    const pods = this.#podsOf(uid);
    const verdict = judgeJob(job, pods, clock.now());
    for (const pod of verdict.remove) {
      if (verdict.uncounted === true) this.#release(pod as unknown as Stored);
      deleteObject(store, clock, pod as unknown as Stored, { propagation: "Background" });
      this.#tell(job as unknown as Stored, "Normal", "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`);
    }
    const made = verdict.create ? this.#createPod(job) : 0;
    const counted = pods.filter(
      (pod) => hasFinalizer(pod) && (isTerminal(pod) || finishing(verdict.status) !== undefined),
    );
    // As the real one: first the pods that are to be counted, then the count, so that a watch sees both steps.
    this.#write(job, { ...verdict.status, active: (verdict.status.active ?? 0) + made }, counted);
    for (const pod of counted) this.#release(pod as unknown as Stored);
    this.#finish(uid, counted);
    if (verdict.againInMs !== undefined) this.#plan(uid, verdict.againInMs);
  }

  #write(job: Job, status: JobStatus, counted: readonly Pod[]): void {
    const uids = (phase: (pod: Pod) => boolean): readonly string[] =>
      counted.filter(phase).map(({ metadata }) => metadata.uid ?? "");
    const [succeeded, failed] = [uids(isSuccess), uids((pod) => !isSuccess(pod))];
    const uncountedTerminatedPods = {
      ...(succeeded.length === 0 ? {} : { succeeded }),
      ...(failed.length === 0 ? {} : { failed }),
    };
    const { active, ...rest } = status;
    const shown = { ...rest, ...(active === undefined || active === 0 ? {} : { active }), uncountedTerminatedPods };
    this.#options.store.change(job, (now) => ({ ...now, status: shown }) as Job);
  }

  /** Counts the pods and, when nothing of the Job is left, writes the final condition. */
  #finish(uid: string, counted: readonly Pod[]): void {
    const { clock, store } = this.#options;
    const job = store.withUid(uid) as Job | undefined;
    if (job === undefined) return;
    const now = clock.now();
    const status = (job.status ?? {}) as JobStatus;
    const succeeded = (status.succeeded ?? 0) + counted.filter(isSuccess).length;
    const failed = (status.failed ?? 0) + counted.filter((pod) => !isSuccess(pod)).length;
    const numbers = { ...(succeeded === 0 ? {} : { succeeded }), ...(failed === 0 ? {} : { failed }) };
    const counts = { ...status, ...numbers, uncountedTerminatedPods: {} };
    const target = finishing(status);
    if (target === undefined || (status.terminating ?? 0) > 0) {
      store.change(job, (current) => ({ ...current, status: counts }) as Job);
      return;
    }
    const type = target.type === "SuccessCriteriaMet" ? "Complete" : "Failed";
    const time = timeText(now);
    const condition = { ...target, type, lastProbeTime: time, lastTransitionTime: time };
    const conditions = [...(status.conditions ?? []), condition];
    const completed = type === "Complete" ? { completionTime: time } : {};
    store.change(job, (current) => ({ ...current, status: { ...counts, ...completed, conditions } }) as Job);
    if (type === "Complete") this.#tell(job as unknown as Stored, "Normal", "Completed", "Job completed");
    else this.#tell(job as unknown as Stored, "Warning", target.reason ?? "", target.message ?? "");
  }

  /** 1 when a pod was made. */
  #createPod(job: Job): number {
    const { clock, writes } = this.#options;
    const { name, namespace, uid = "" } = job.metadata;
    const { metadata, spec } = job.spec.template;
    const owner = { apiVersion: "batch/v1", kind: "Job", name, uid, controller: true, blockOwnerDeletion: true };
    try {
      const pod = writes.create(kindOf("pods"), namespace, {
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
          ...(metadata?.annotations === undefined ? {} : { annotations: metadata.annotations }),
          generateName: `${name}-`,
          ownerReferences: [owner],
          finalizers: [JOB_TRACKING],
        } as unknown as Stored["metadata"],
        spec: spec as unknown as Readonly<Record<string, unknown>>,
      });
      this.#tell(job as unknown as Stored, "Normal", "SuccessfulCreate", `Created pod: ${pod.metadata.name}`);
      return 1;
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      this.#tell(job as unknown as Stored, "Warning", "FailedCreate", `Error creating: ${error.message}`);
      clock.schedule(1000, () => this.#plan(uid, 0), { unref: true });
      return 0;
    }
  }

  /** Deletes a finished Job when its time is over. */
  #expire(job: Job): void {
    const { clock, store } = this.#options;
    const ttl = job.spec.ttlSecondsAfterFinished;
    if (ttl === undefined || ttl === null || job.metadata.deletionTimestamp !== undefined) return;
    const since = Date.parse(finished(job)?.lastTransitionTime ?? "");
    const leftMs = since + ttl * 1000 - clock.now();
    if (leftMs > 0) this.#plan(job.metadata.uid ?? "", leftMs);
    else deleteObject(store, clock, job as unknown as Stored, { propagation: "Foreground" });
  }

  #podsOf(uid: string): readonly Pod[] {
    return this.#options.store
      .all<Pod>("pods")
      .filter(({ metadata }) =>
        metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid),
      );
  }

  #release(pod: Stored): void {
    if (hasFinalizer(pod)) removeFinalizer(this.#options.store, pod, JOB_TRACKING);
  }
}

function hasFinalizer({ metadata }: Pick<Stored, "metadata"> | Pod): boolean {
  return (metadata as Stored["metadata"]).finalizers?.includes(JOB_TRACKING) === true;
}

function isSuccess(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded";
}
