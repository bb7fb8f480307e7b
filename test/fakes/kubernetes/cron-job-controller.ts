import type { Clock } from "../../../src/base/clock.ts";
import type { CronJob, Job } from "../../../src/kubernetes/objects.ts";
import { eventsOf, type TellEvent } from "./cluster-events.ts";
import { isDue } from "./cron-schedule.ts";
import { deleteObject } from "./deletion.ts";
import { finished } from "./job-judgement.ts";
import { kindOf, type Stored, timeText } from "./kinds.ts";
import type { ObjectStore } from "./object-store.ts";
import type { ObjectWrites } from "./object-writes.ts";

const MINUTE_MS = 60_000;

type ActiveJob = { readonly name: string; readonly uid: string };
type CronJobStatus = NonNullable<CronJob["status"]> & {
  readonly active?: readonly (ActiveJob & Readonly<Record<string, string>>)[];
};

/** The CronJob controller: fires each minute what is due, keeps the status and the history. */
export class CronJobController {
  readonly #store: ObjectStore;
  readonly #writes: ObjectWrites;
  readonly #clock: Clock;
  readonly #tell: TellEvent;
  readonly #stop: (() => void)[] = [];
  #cancel: () => void = () => undefined;

  constructor(store: ObjectStore, writes: ObjectWrites, clock: Clock) {
    this.#store = store;
    this.#writes = writes;
    this.#clock = clock;
    this.#tell = eventsOf("cronjob-controller", store, clock);
    this.#stop.push(
      store.onChange(({ object, plural }) => {
        const owner = object.metadata.ownerReferences?.find(({ kind }) => kind === "CronJob");
        if (plural === "jobs" && owner !== undefined) queueMicrotask(() => this.#settle(owner.uid));
      }),
    );
    this.#waitForMinute();
  }

  close(): void {
    this.#cancel();
    for (const stop of this.#stop) stop();
  }

  /** Fires as if its time were now; two times in one minute give two Jobs. */
  fire(name: string, namespace?: string): string | undefined {
    const found = this.#store.all<CronJob>("cronjobs", namespace).find(({ metadata }) => metadata.name === name);
    if (found === undefined) throw new Error(`there is no CronJob ${name}`);
    let minute = Math.floor(this.#clock.now() / MINUTE_MS);
    while (this.#store.get("jobs", found.metadata.namespace, `${name}-${minute}`) !== undefined) minute++;
    return this.#start(found, minute);
  }

  #waitForMinute(): void {
    const left = MINUTE_MS - (this.#clock.now() % MINUTE_MS);
    this.#cancel = this.#clock.schedule(
      left,
      () => {
        const minute = Math.floor(this.#clock.now() / MINUTE_MS);
        for (const cronJob of this.#store.all<CronJob>("cronjobs")) {
          const { schedule, timeZone } = cronJob.spec;
          if (isDue(schedule, timeZone, minute * MINUTE_MS)) this.#start(cronJob, minute);
        }
        this.#waitForMinute();
      },
      { unref: true },
    );
  }

  #start(cronJob: CronJob, minute: number): string | undefined {
    const { concurrencyPolicy, jobTemplate, suspend } = cronJob.spec;
    const { name, namespace, uid = "" } = cronJob.metadata;
    const status = (cronJob.status ?? {}) as CronJobStatus;
    const active = status.active ?? [];
    if (suspend === true || cronJob.metadata.deletionTimestamp !== undefined) return undefined;
    if (concurrencyPolicy === "Forbid" && active.length > 0) {
      const message = "Not starting job because prior execution is running and concurrency policy is Forbid";
      this.#tell(asStored(cronJob), "Normal", "JobAlreadyActive", message);
      return undefined;
    }
    if (concurrencyPolicy === "Replace") for (const job of active) this.#remove(cronJob, job.name);
    const jobName = `${name}-${minute}`;
    if (this.#store.get("jobs", namespace, jobName) !== undefined) return undefined;
    const scheduled = timeText(minute * MINUTE_MS);
    const owner = { apiVersion: "batch/v1", kind: "CronJob", name, uid, controller: true, blockOwnerDeletion: true };
    const job = this.#writes.create(kindOf("jobs"), namespace, {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {
        name: jobName,
        labels: jobTemplate.metadata?.labels ?? {},
        annotations: {
          ...jobTemplate.metadata?.annotations,
          "batch.kubernetes.io/cronjob-scheduled-timestamp": scheduled,
        },
        ownerReferences: [owner],
      },
      spec: jobTemplate.spec as unknown as Readonly<Record<string, unknown>>,
    });
    this.#tell(asStored(cronJob), "Normal", "SuccessfulCreate", `Created job ${jobName}`);
    const reference = {
      apiVersion: "batch/v1",
      kind: "Job",
      name: jobName,
      namespace: namespace ?? "",
      uid: job.metadata.uid ?? "",
    };
    this.#store.change(cronJob, (now) => {
      const { active: others = [], ...rest } = (now.status ?? {}) as CronJobStatus;
      return { ...now, status: { ...rest, active: [...others, reference], lastScheduleTime: scheduled } };
    });
    return jobName;
  }

  /** Takes finished and vanished Jobs out of the status, and the oldest ones beyond the limits out of the cluster. */
  #settle(uid: string): void {
    const cronJob = this.#store.withUid(uid) as CronJob | undefined;
    if (cronJob === undefined) return;
    const jobs = this.#store
      .all<Job>("jobs", cronJob.metadata.namespace)
      .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid));
    const status = (cronJob.status ?? {}) as CronJobStatus;
    const active = (status.active ?? []).filter(({ name, uid: jobUid }) => {
      const job = jobs.find(({ metadata }) => metadata.uid === jobUid);
      const end = job === undefined ? undefined : finished(job);
      if (job === undefined) this.#tell(asStored(cronJob), "Normal", "MissingJob", `Active job went missing: ${name}`);
      if (end !== undefined)
        this.#tell(
          asStored(cronJob),
          "Normal",
          "SawCompletedJob",
          `Saw completed job: ${name}, condition: ${end.type}`,
        );
      return job !== undefined && end === undefined;
    });
    const successes = jobs.flatMap((job) => job.status?.completionTime ?? []).sort();
    const lastSuccessfulTime = [...successes, status.lastSuccessfulTime ?? ""].sort().at(-1) ?? "";
    this.#store.change(cronJob, (now) => {
      const { active: _, ...rest } = (now.status ?? {}) as CronJobStatus;
      const shown = {
        ...rest,
        ...(active.length === 0 ? {} : { active }),
        ...(lastSuccessfulTime === "" ? {} : { lastSuccessfulTime }),
      };
      return { ...now, status: shown };
    });
    this.#trim(cronJob, jobs, "Complete", cronJob.spec.successfulJobsHistoryLimit);
    this.#trim(cronJob, jobs, "Failed", cronJob.spec.failedJobsHistoryLimit);
  }

  #trim(cronJob: CronJob, jobs: readonly Job[], type: string, limit: number | undefined): void {
    if (limit === undefined) return;
    const ended = jobs
      .filter((job) => finished(job)?.type === type && job.metadata.deletionTimestamp === undefined)
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    for (const job of ended.slice(0, Math.max(0, ended.length - limit))) this.#remove(cronJob, job.metadata.name);
  }

  #remove(cronJob: CronJob, name: string): void {
    const job = this.#store.get("jobs", cronJob.metadata.namespace, name);
    if (job === undefined) return;
    deleteObject(this.#store, this.#clock, job, { propagation: "Background" });
    this.#tell(asStored(cronJob), "Normal", "SuccessfulDelete", `Deleted job ${name}`);
  }
}

function asStored(cronJob: CronJob): Stored {
  return cronJob as unknown as Stored;
}
