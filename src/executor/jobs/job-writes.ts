import { isKind } from "../../base/errors.ts";
import type { KubernetesApi } from "../../kubernetes/api.ts";
import { KUBERNETES_ERRORS } from "../../kubernetes/errors.ts";
import {
  CONFIG_MAPS,
  type ConfigMap,
  JOBS,
  type Job,
  type KubernetesObject,
  PODS,
  SECRETS,
  type Secret,
} from "../../kubernetes/objects.ts";
import { type EndingRecord, endingText } from "../pods/judge/ending-record.ts";
import { ANNOTATIONS, lostLabels } from "../pods/labels.ts";

/** No pod any more, and the Job's end as soon as the one there is has ended. */
const NO_MORE_PODS = { parallelism: 0, activeDeadlineSeconds: 1 } as const;

/** Whoever waits for the write is told in a few seconds why a server, or its admission webhook, fails at it; each is tried again later. */
const TRIED = { refusedMs: 4000 } as const;

/** Every change of a run's objects after they were made; each is one write. */
export class JobWrites {
  readonly #api: KubernetesApi;
  readonly #namespace: string;

  constructor(api: KubernetesApi, namespace: string) {
    this.#api = api;
    this.#namespace = namespace;
  }

  /** The Job controller ends the pod (TERM, grace, KILL) and makes no other. False when the Job is gone. */
  stop(name: string, now: number): Promise<boolean> {
    return this.#patch(name, { [ANNOTATIONS.stopRequestedAt]: String(now) }, NO_MORE_PODS);
  }

  /** The same for the run of a schedule that met the live run `other` of its pipeline. */
  giveWay(name: string, now: number, other: string, isTold: boolean): Promise<boolean> {
    const why = isTold ? ANNOTATIONS.gaveWayTo : ANNOTATIONS.skippedFor;
    return this.#patch(name, { [ANNOTATIONS.stopRequestedAt]: String(now), [why]: other }, NO_MORE_PODS);
  }

  /** The same, with the end of the run on record. */
  end(name: string, record: EndingRecord): Promise<boolean> {
    return this.#patch(name, { [ANNOTATIONS.ending]: endingText(record) }, NO_MORE_PODS);
  }

  /** A suspension ended these pods of the Job, whose program had begun; with those that it ended before. */
  noteSuspension(name: string, pods: readonly string[]): Promise<boolean> {
    return this.#patch(name, { [ANNOTATIONS.suspendedPods]: pods.join(" ") }, {});
  }

  /** Changes the deadline, `null` to none, of just this version of the Job. False when the Job is another by now, or gone. */
  async setDeadline({ metadata: { name, resourceVersion } }: Job, seconds: number | null): Promise<boolean> {
    const change = { metadata: { resourceVersion }, spec: { activeDeadlineSeconds: seconds } };
    try {
      await this.#api.patch(JOBS, this.#namespace, name, change, undefined, TRIED);
      return true;
    } catch (error) {
      if (isKind(error, KUBERNETES_ERRORS.ApiNotFound) || isKind(error, KUBERNETES_ERRORS.ApiConflict)) return false;
      throw error;
    }
  }

  /** Those of our labels that somebody took off the Job, or changed. Of one that has changed since, the next look sees the newer. */
  async giveLabelsBack(job: Job): Promise<void> {
    const { name, resourceVersion } = job.metadata;
    const labels = lostLabels(job);
    if (Object.keys(labels).length === 0) return;
    try {
      await this.#api.patch(JOBS, this.#namespace, name, { metadata: { resourceVersion, labels } }, undefined, TRIED);
    } catch (error) {
      if (!isKind(error, KUBERNETES_ERRORS.ApiNotFound) && !isKind(error, KUBERNETES_ERRORS.ApiConflict)) throw error;
    }
  }

  /** The end is acknowledged: the cluster may remove the Job, with all that it owns, after so many seconds. */
  acknowledge(name: string, now: number, ttlSecondsAfterFinished: number): Promise<boolean> {
    return this.#patch(name, { [ANNOTATIONS.acknowledgedAt]: String(now) }, { ttlSecondsAfterFinished });
  }

  /** Removes the Job with all that it owns. False when it is gone, or another one has its name. */
  remove(job: Job): Promise<boolean> {
    const { name, uid } = job.metadata;
    return this.#api.remove(JOBS, this.#namespace, name, {
      propagation: "Background",
      ...(uid === undefined ? {} : { uid }),
    });
  }

  /** Removes what outlived its Job: its pods, and its configuration object where it has one of its own. What is gone is no error. */
  async removeLeft(
    pods: readonly string[],
    config: { readonly name: string; readonly kind: "secret" | "configMap" } | undefined,
  ): Promise<void> {
    for (const name of pods) await this.#api.remove(PODS, this.#namespace, name, { propagation: "Background" });
    if (config === undefined) return;
    const resource = config.kind === "secret" ? SECRETS : CONFIG_MAPS;
    await this.#api.remove<KubernetesObject>(resource, this.#namespace, config.name, { propagation: "Background" });
  }

  /** The whole Job; undefined when it is gone. */
  async read(name: string): Promise<Job | undefined> {
    try {
      return await this.#api.get(JOBS, this.#namespace, name);
    } catch (error) {
      if (isKind(error, KUBERNETES_ERRORS.ApiNotFound)) return undefined;
      throw error;
    }
  }

  /** @throws CodedError ApiAlreadyExists */
  createOnce(job: Job): Promise<Job> {
    return this.#api.create(JOBS, this.#namespace, job, undefined, TRIED);
  }

  /** Makes a Job; undefined when there is one of its name. */
  async create(job: Job): Promise<Job | undefined> {
    try {
      return await this.createOnce(job);
    } catch (error) {
      if (isKind(error, KUBERNETES_ERRORS.ApiAlreadyExists)) return undefined;
      throw error;
    }
  }

  /** Makes the configuration object; one that is there already is the run's own, by its name. */
  async createConfig(config: Secret | ConfigMap): Promise<void> {
    try {
      if (config.kind === SECRETS.kind)
        await this.#api.create(SECRETS, this.#namespace, config as Secret, undefined, TRIED);
      else await this.#api.create(CONFIG_MAPS, this.#namespace, config as ConfigMap, undefined, TRIED);
    } catch (error) {
      if (!isKind(error, KUBERNETES_ERRORS.ApiAlreadyExists)) throw error;
    }
  }

  /** True when there is a configuration object of this name; told without a right to read it, by pretending to make it. */
  async hasConfig(name: string, configIn: "secret" | "configMap"): Promise<boolean> {
    const resource = configIn === "secret" ? SECRETS : CONFIG_MAPS;
    const { apiVersion, kind } = resource;
    const object = { apiVersion, kind, metadata: { name, namespace: this.#namespace } };
    try {
      await this.#api.create(resource, this.#namespace, object, undefined, { dryRun: true });
      return false;
    } catch (error) {
      if (isKind(error, KUBERNETES_ERRORS.ApiAlreadyExists)) return true;
      throw error;
    }
  }

  async #patch(
    name: string,
    annotations: Readonly<Record<string, string>>,
    spec: Readonly<Record<string, number>>,
  ): Promise<boolean> {
    try {
      await this.#api.patch(JOBS, this.#namespace, name, { metadata: { annotations }, spec }, undefined, TRIED);
      return true;
    } catch (error) {
      if (isKind(error, KUBERNETES_ERRORS.ApiNotFound)) return false;
      throw error;
    }
  }
}
