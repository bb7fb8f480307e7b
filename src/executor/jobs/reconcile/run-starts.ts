import { CodedError, describeError, isKind } from "../../../base/errors.ts";
import { KUBERNETES_ERRORS } from "../../../kubernetes/errors.ts";
import type { Job } from "../../../kubernetes/objects.ts";
import type { RunSpec } from "../../executor.ts";
import { KUBERNETES_EXECUTOR_ERRORS } from "../../pods/errors.ts";
import { explainRefusal } from "../../pods/explain-refusal.ts";
import { timeOf } from "../../pods/judge/facts.ts";
import { isOwn, jobLabels, LABELS } from "../../pods/labels.ts";
import type { KubernetesExecutorOptions } from "../../pods/options.ts";
import { configTexts } from "../../pods/template/config-object.ts";
import { imageOfMain } from "../../pods/template/pod-template.ts";
import { JobWrites } from "../job-writes.ts";
import { type Manifest, neverStartedJob, runConfig, runJob } from "../manifests/manifest.ts";
import { slimJob } from "../slim.ts";
import type { ClusterView } from "./cluster-view.ts";

/** What starting runs stands on. */
export interface RunStartsOptions {
  readonly options: KubernetesExecutorOptions;
  readonly manifest: Manifest;
  readonly view: ClusterView;
}

/** The API's times are whole seconds; what differs by less is no skew of clocks. */
const SKEW_FLOOR_MS = 2000;

/** Of a Job whose run is never offered again nobody would tell that it may be forgotten. */
const MOST_UNSURE = 10_000;

/** Makes the objects of runs: the Job, then its configuration. Each is one write. */
export class RunStarts {
  readonly #options: KubernetesExecutorOptions;
  readonly #manifest: Manifest;
  readonly #view: ClusterView;
  readonly #writes: JobWrites;
  readonly #made = new Set<string>();
  /** Jobs that the API server may have made without our having been told. */
  readonly #unsure = new Set<string>();
  #skewMs = 0;

  constructor({ options, manifest, view }: RunStartsOptions) {
    this.#options = options;
    this.#manifest = manifest;
    this.#view = view;
    this.#writes = new JobWrites(options.api, options.namespace);
  }

  /** Epoch milliseconds by the cluster's clock, as far as its answers have shown it. */
  clusterNow(): number {
    return this.#options.clock.now() + this.#skewMs;
  }

  /** True when this process made both objects of the Job of this name, so that nothing of it can be missing. */
  made(name: string): boolean {
    return this.#made.has(name);
  }

  /** This process made the Job of this name, and what it needs is there. */
  noteMade(name: string): void {
    this.#made.add(name);
  }

  /** The run is over. */
  forget(name: string): void {
    this.#made.delete(name);
    this.#unsure.delete(name);
  }

  /** @throws CodedError when no Job was left behind */
  async start(spec: RunSpec): Promise<"started" | "exists"> {
    try {
      return await this.#start(spec);
    } catch (error) {
      throw explainRefusal(error, `start run ${spec.runId}`, this.#options.namespace);
    }
  }

  async #start(spec: RunSpec): Promise<"started" | "exists"> {
    const { clock, log } = this.#options;
    const isLate = clock.now() > spec.startBefore;
    const wanted = runJob(this.#manifest, spec);
    if (!isLate) await this.#admit(wanted, spec);
    const made = await this.#make(isLate ? neverStartedJob(wanted, "StartTimeout") : wanted);
    if (made === undefined) return "exists";
    this.#noteSkew(made);
    if (isLate) {
      this.#made.add(made.metadata.name);
      this.#view.noteJob(slimJob(made));
      return "started";
    }
    try {
      await this.#writes.createConfig(runConfig(this.#manifest, spec, made));
    } catch (error) {
      await this.#takeBack(spec.runId, made, error);
      throw error;
    }
    this.#made.add(made.metadata.name);
    this.#view.noteJob(slimJob(made));
    log.info("A run's Job was made", { run: spec.runId, job: made.metadata.name, attempt: spec.attempt });
    return "started";
  }

  /** A run whose Job is there has begun with what it has. @throws CodedError ImageVersionDiffers, PodUnworkable */
  async #admit(job: Job, { runId, config }: RunSpec): Promise<void> {
    try {
      this.#manifest.images?.admit(imageOfMain(job.spec.template), `start run ${runId}`);
      configTexts(this.#manifest, config);
    } catch (error) {
      if ((await this.#writes.read(job.metadata.name)) === undefined) throw error;
    }
  }

  /** The Job that was made; undefined when it had been made before. @throws CodedError RunObjectTaken */
  async #make(job: Job): Promise<Job | undefined> {
    const { api, namespace, runnerId } = this.#options;
    const { name } = job.metadata;
    let isRepeated = false;
    try {
      const made = await this.#writes.createOnce(job);
      this.#unsure.delete(name);
      return made;
    } catch (error) {
      if (isKind(error, KUBERNETES_ERRORS.ApiUnavailable) && this.#unsure.size < MOST_UNSURE) this.#unsure.add(name);
      if (!isKind(error, KUBERNETES_ERRORS.ApiAlreadyExists)) throw error;
      isRepeated = error.facts["repeated"] === true || this.#unsure.delete(name);
    }
    const found = await this.#writes.read(name);
    if (found === undefined) {
      const message = `Cannot make Job ${name} in namespace ${namespace} of ${api.server}: one of its name is just being removed`;
      throw new CodedError(KUBERNETES_EXECUTOR_ERRORS.RunNotMade, message);
    }
    const labels = jobLabels(found);
    const isOurs =
      isOwn({ ...found, metadata: { ...found.metadata, labels } }, runnerId) &&
      labels[LABELS.runId] === job.metadata.labels?.[LABELS.runId];
    if (!isOurs) {
      const message = `Cannot make Job ${name} in namespace ${namespace}: another one has its name`;
      throw new CodedError(KUBERNETES_EXECUTOR_ERRORS.RunObjectTaken, message);
    }
    // The answer to our own create was lost: what follows it has to be done still.
    if (isRepeated) return found;
    this.#view.noteJob(slimJob(found));
    return undefined;
  }

  async #takeBack(runId: string, job: Job, cause: unknown): Promise<void> {
    const { name } = job.metadata;
    try {
      await this.#writes.remove(job);
      // Nothing was started, so nothing is told of it.
      this.#view.noteJob(slimJob(job));
      this.#view.release(runId);
    } catch (error) {
      // Its pod waits for the configuration in vain; the care of runs finds that out and ends it.
      this.#options.log.error("A Job without its configuration could not be taken back; it will be ended as Lost", {
        job: name,
        error: describeError(error),
        cause: describeError(cause),
      });
    }
  }

  #noteSkew(made: Job): void {
    const created = timeOf(made.metadata.creationTimestamp);
    if (created === undefined) return;
    const skewMs = created + 500 - this.#options.clock.now();
    this.#skewMs = Math.abs(skewMs) < SKEW_FLOOR_MS ? 0 : skewMs;
  }
}
