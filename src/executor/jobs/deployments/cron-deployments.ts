import { describeError } from "../../../base/errors.ts";
import {
  CONFIG_MAPS,
  CRON_JOBS,
  type CronJob,
  JOBS,
  type Job,
  type OwnerReference,
  type Resource,
  SECRETS,
} from "../../../kubernetes/objects.ts";
import type { PipelineBody } from "../../../protocol/messages.ts";
import type { FoundDeployment } from "../../executor.ts";
import { admitImage } from "../../pods/images/admit-image.ts";
import { ANNOTATIONS, belongsTo, hasLabels, LABELS, ownSelector } from "../../pods/labels.ts";
import { labelValue, pipelineIdIn, pipelineObjectName } from "../../pods/names.ts";
import type { Rights } from "../../pods/rights/rights.ts";
import { imageOfMain } from "../../pods/template/pod-template.ts";
import { JobWrites } from "../job-writes.ts";
import { type Manifest, pipelineConfig, scheduleCronJob } from "../manifests/manifest.ts";
import { type Anchor, isOfCronJob } from "./anchor.ts";
import { outdatedTeller } from "./outdated-teller.ts";
import { find, listAll, mustGo, type Place, refuseOthers, settle, uidOf } from "./place.ts";
import type { Tended } from "./tending.ts";
import { versionOf } from "./version-of.ts";
import { ensureObject, type Holder, peek, writeObject } from "./write-object.ts";

/** Where CronJobs may not be watched. */
const LIST_EVERY_MS = 60_000;

/** What is remembered of a CronJob that was put. */
interface PutSchedule {
  readonly name: string;
  readonly image: string | undefined;
  readonly isOn: boolean;
}

/** Scheduled pipelines as CronJobs, each with the configuration of its own. Pipelines that run on demand need neither. */
export class CronDeployments {
  readonly #place: Place;
  readonly #manifest: Manifest;
  readonly #anchor: Anchor;
  readonly #prints = new Map<string, string>();
  readonly #schedules = new Map<string, PutSchedule>();

  constructor(place: Place, manifest: Manifest, anchor: Anchor) {
    this.#place = place;
    this.#manifest = manifest;
    this.#anchor = anchor;
  }

  /** What holds the configurations. */
  get keepsIn(): "secret" | "configMap" {
    return this.#manifest.configIn;
  }

  /** The CronJobs that were put here, and how it is seen that somebody changed one. */
  tended(rights: Pick<Rights, "has">): Tended<CronJob> {
    const writes = new JobWrites(this.#place.api, this.#place.namespace);
    return {
      resource: CRON_JOBS,
      labelSelector: ownSelector(this.#place.runnerId, "schedule"),
      prints: this.#prints,
      printOf,
      onGone: () => this.#anchor.forget(),
      isWatched: rights.has("cronjobs:watch"),
      listEveryMs: LIST_EVERY_MS,
      isWhole: (pipelineId) => writes.hasConfig(pipelineObjectName(pipelineId), this.#manifest.configIn),
      onRound: outdatedTeller(() => this.outdated(), this.#place.log),
    };
  }

  /** Names of pipelines whose CronJobs are on and start runs with an image that no run may be ordered with. */
  outdated(): readonly string[] {
    return [...this.#schedules.values()].flatMap(({ name, image, isOn }) =>
      isOn && image !== undefined && this.#manifest.images?.refusal(image) !== undefined ? [name] : [],
    );
  }

  /** Every pipeline of this runner that has a CronJob. */
  async list(): Promise<readonly FoundDeployment[]> {
    const cronJobs = await listAll(this.#place, CRON_JOBS, ownSelector(this.#place.runnerId, "schedule"));
    const found: FoundDeployment[] = [];
    for (const cronJob of cronJobs) {
      if (cronJob.metadata.deletionTimestamp !== undefined) continue;
      const deployment = foundIn(cronJob);
      if (deployment !== undefined) found.push(deployment);
      else this.#place.log.warn("A CronJob of this runner can't be understood", { cronJob: cronJob.metadata.name });
    }
    return found;
  }

  /**
   * True when something had to be written or removed.
   * @throws CodedError ImageVersionDiffers, ObjectNotOurs, ObjectUnsettled, those of the API; what was half done is taken back then
   */
  async put(body: PipelineBody): Promise<boolean> {
    if (body.schedule === undefined) return this.#removeSchedule(body.pipelineId);
    const name = pipelineObjectName(body.pipelineId);
    let isWritten = false;
    await settle(this.#place, `CronJob ${name}`, async () => {
      const anchor = await this.#anchor.reference();
      const wanted = scheduleCronJob(this.#manifest, body, anchor);
      const config = pipelineConfig(this.#manifest, body, anchor);
      const present = await find(this.#place, CRON_JOBS, name);
      if (present?.metadata.deletionTimestamp !== undefined) return false;
      if (present !== undefined) refuseOthers(this.#place, present);
      if (present !== undefined && isSo(present, wanted) && this.#isAsPut(present)) {
        isWritten = await ensureObject(this.#place, config);
        this.#note(present);
      } else {
        admitImage(this.#manifest, body);
        isWritten = await this.#write(config, wanted, present);
      }
      return true;
    });
    return isWritten;
  }

  /** @throws CodedError ObjectNotOurs for a CronJob that nobody is known to own, and those of the API */
  async remove(pipelineId: string): Promise<void> {
    if (await this.#removeSchedule(pipelineId)) return;
    // What a crash between the two has left.
    const config = await peek(this.#place, this.#configs, pipelineObjectName(pipelineId));
    if (config !== undefined && belongsTo(config, this.#place.runnerId) && !isOfRuns(config))
      await this.#leaveTo([], config);
  }

  /** False when the CronJob was what it should be. */
  async #write(config: Holder, wanted: CronJob, present: CronJob | undefined): Promise<boolean> {
    const { api, namespace, log } = this.#place;
    const undo = await writeObject(this.#place, config);
    try {
      const written =
        present === undefined
          ? await api.create(CRON_JOBS, namespace, wanted)
          : await api.replace(CRON_JOBS, namespace, inPlaceOf(present, wanted));
      this.#note(written);
      return written.metadata.resourceVersion !== present?.metadata.resourceVersion;
    } catch (error) {
      // The answer may have got lost on its way.
      const there = await this.#thereIs(wanted);
      if (there !== undefined) {
        this.#note(there);
        return true;
      }
      await undo().catch((cause: unknown) => {
        log.warn("A configuration in the cluster can't be taken back", {
          object: config.metadata.name,
          error: describeError(cause),
        });
      });
      throw error;
    }
  }

  async #thereIs(wanted: CronJob): Promise<CronJob | undefined> {
    const present = await find(this.#place, CRON_JOBS, wanted.metadata.name).catch(() => undefined);
    return present !== undefined && isSo(present, wanted) ? present : undefined;
  }

  /** What has changed since it was put is written anew, whatever it was. */
  #isAsPut(present: CronJob): boolean {
    const print = this.#prints.get(pipelineIdIn(present.metadata.name) ?? "");
    return print === undefined || print === printOf(present);
  }

  #note(cronJob: CronJob): void {
    const { metadata, spec } = cronJob;
    const pipelineId = pipelineIdIn(metadata.name);
    if (pipelineId === undefined) return;
    this.#prints.set(pipelineId, printOf(cronJob));
    this.#schedules.set(pipelineId, {
      name: metadata.annotations?.[ANNOTATIONS.pipelineName] ?? pipelineId,
      image: imageOfMain(spec.jobTemplate.spec.template),
      isOn: spec.suspend !== true,
    });
  }

  /**
   * Removes the CronJob and leaves its runs: each stays until its end was acknowledged, and the last takes the configuration
   * with it. The CronJob goes last, so that a crash in between leaves something to find. False when there is none of ours.
   */
  async #removeSchedule(pipelineId: string): Promise<boolean> {
    const { api, namespace, runnerId } = this.#place;
    const name = pipelineObjectName(pipelineId);
    this.#prints.delete(pipelineId);
    this.#schedules.delete(pipelineId);
    let found = false;
    await settle(this.#place, `CronJob ${name}`, async () => {
      const present = await find(this.#place, CRON_JOBS, name);
      if (!mustGo(this.#place, present)) return true;
      found = true;
      if (present.metadata.deletionTimestamp !== undefined) return true;
      // Nothing shall fire any more while its runs are looked for.
      if (present.spec.suspend !== true) {
        await api.replace(CRON_JOBS, namespace, { ...present, spec: { ...present.spec, suspend: true } });
      }
      const config = await peek(this.#place, this.#configs, name);
      const runs = await this.#runsOf(pipelineId, present);
      if (config !== undefined && belongsTo(config, runnerId)) await this.#leaveTo(runs, config);
      await api.remove(CRON_JOBS, namespace, name, { propagation: "Orphan", ...uidOf(present) });
      return true;
    });
    return found;
  }

  async #runsOf(pipelineId: string, cronJob: CronJob): Promise<readonly Job[]> {
    const selector = `${ownSelector(this.#place.runnerId, "run")},${LABELS.pipelineId}=${labelValue(pipelineId)}`;
    const jobs = await listAll(this.#place, JOBS, selector);
    return jobs.filter(
      (job) =>
        isOfCronJob(job, cronJob.metadata.uid) && job.metadata.annotations?.[ANNOTATIONS.acknowledgedAt] === undefined,
    );
  }

  async #leaveTo(runs: readonly Job[], config: Holder): Promise<void> {
    const { api, namespace } = this.#place;
    const { name } = config.metadata;
    if (runs.length === 0)
      await api.remove(this.#configs, namespace, name, { propagation: "Background", ...uidOf(config) });
    else await api.patch(this.#configs, namespace, name, { metadata: { ownerReferences: runs.map(ownerReference) } });
  }

  get #configs(): Resource<Holder> {
    return this.#manifest.configIn === "secret" ? SECRETS : CONFIG_MAPS;
  }
}

/** What a CronJob says about its pipeline; undefined when it isn't one as this program makes them. */
function foundIn(cronJob: CronJob): FoundDeployment | undefined {
  const { schedule, timeZone = "UTC", suspend } = cronJob.spec;
  const version = versionOf(cronJob);
  return version && { ...version, enabled: suspend !== true, schedule: { cron: schedule, timeZone } };
}

/** Changes with whatever may be wrong with a CronJob: its generation counts the changes of its specification. */
function printOf({ metadata }: CronJob): string {
  const { uid, generation, labels, annotations, ownerReferences = [] } = metadata;
  return JSON.stringify([
    uid,
    generation,
    Object.values(LABELS).map((key) => labels?.[key]),
    annotations?.[ANNOTATIONS.manifestHash],
    ownerReferences.map((owner) => owner.uid),
  ]);
}

/** True when nothing has to be written. What people change by hand most often is looked at too. */
function isSo(present: CronJob, wanted: CronJob): boolean {
  const { metadata, spec } = present;
  return (
    hasLabels(present, wanted.metadata.labels) &&
    metadata.annotations?.[ANNOTATIONS.manifestHash] === wanted.metadata.annotations?.[ANNOTATIONS.manifestHash] &&
    spec.schedule === wanted.spec.schedule &&
    spec.timeZone === wanted.spec.timeZone &&
    spec.suspend === wanted.spec.suspend &&
    imageOfMain(spec.jobTemplate.spec.template) === imageOfMain(wanted.spec.jobTemplate.spec.template)
  );
}

function inPlaceOf(present: CronJob, wanted: CronJob): CronJob {
  const { resourceVersion } = present.metadata;
  return { ...wanted, metadata: { ...wanted.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) } };
}

function isOfRuns(config: Holder): boolean {
  return config.metadata.ownerReferences?.some((owner) => owner.kind === JOBS.kind) === true;
}

function ownerReference(job: Job): OwnerReference {
  const { name, uid = "" } = job.metadata;
  return { apiVersion: JOBS.apiVersion, kind: JOBS.kind, name, uid, blockOwnerDeletion: false };
}
