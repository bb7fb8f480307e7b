import { isKind } from "../../../base/errors.ts";
import { KUBERNETES_ERRORS } from "../../../kubernetes/errors.ts";
import { CONFIG_MAPS, type ConfigMap, JOBS, type Job, type OwnerReference } from "../../../kubernetes/objects.ts";
import { hasLabels, ownSelector } from "../../pods/labels.ts";
import { anchorReference } from "../manifests/manifest.ts";
import { find, listAll, type Place, refuseOthers, settle, uidOf } from "./place.ts";

/** Key of the anchor's data that tells who fires: what to clear away when that changes follows from it. */
const FIRES = "fires";

/** Whether the anchor still exists is looked at this often at most. */
const TRUSTED_MS = 10_000;

/** The object that owns what a runner has deployed: made on first use, found again afterwards. Its removal removes all. */
export class Anchor {
  readonly #place: Place;
  readonly #wanted: ConfigMap;
  readonly #fires: "cluster" | "runner";
  #known: { readonly reference: OwnerReference; readonly at: number } | undefined;
  #looking: Promise<OwnerReference> | undefined;

  constructor(place: Place, wanted: ConfigMap, fires: "cluster" | "runner") {
    this.#place = place;
    this.#wanted = { ...wanted, data: { ...wanted.data, [FIRES]: fires } };
    this.#fires = fires;
  }

  /** For the metadata of what it owns. @throws CodedError ObjectNotOurs, and those of the API */
  reference(): Promise<OwnerReference> {
    if (this.#known !== undefined && this.#place.clock.monotonic() - this.#known.at < TRUSTED_MS) {
      return Promise.resolve(this.#known.reference);
    }
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** It may be gone with what it owned: it is looked for again. */
  forget(): void {
    this.#known = undefined;
  }

  async #look(): Promise<OwnerReference> {
    const { clock } = this.#place;
    let anchor: ConfigMap | undefined;
    await settle(this.#place, `ConfigMap ${this.#wanted.metadata.name}`, async () => {
      anchor = await this.#findOrMake();
      return anchor !== undefined;
    });
    const reference = anchorReference(anchor ?? this.#wanted);
    this.#known = { reference, at: clock.monotonic() };
    return reference;
  }

  /** Undefined when it is just being removed. */
  async #findOrMake(): Promise<ConfigMap | undefined> {
    const { api, namespace } = this.#place;
    const { name } = this.#wanted.metadata;
    const present = await find(this.#place, CONFIG_MAPS, name);
    if (present === undefined) return api.create(CONFIG_MAPS, namespace, this.#wanted);
    // By its name and what it says: somebody may have changed its labels.
    if (present.data?.[FIRES] === undefined) refuseOthers(this.#place, present);
    if (present.metadata.deletionTimestamp !== undefined) return undefined;
    if (present.data?.[FIRES] === this.#fires) return this.#labelled(present);
    if (present.data?.[FIRES] === "cluster") {
      await retire(this.#place, present);
      return api.create(CONFIG_MAPS, namespace, this.#wanted);
    }
    return api.patch(CONFIG_MAPS, namespace, name, { data: { [FIRES]: this.#fires } });
  }

  #labelled(anchor: ConfigMap): ConfigMap | Promise<ConfigMap> {
    const { api, namespace } = this.#place;
    const { name, labels = {} } = this.#wanted.metadata;
    return hasLabels(anchor, labels) ? anchor : api.patch(CONFIG_MAPS, namespace, name, { metadata: { labels } });
  }
}

/**
 * The runner had the right to make CronJobs and has lost it, so that it can neither see nor remove them, and they would
 * go on firing beside the runner. The cluster removes them with their owner; runs that live are taken out before.
 */
async function retire(place: Place, anchor: ConfigMap): Promise<void> {
  const { api, namespace, log } = place;
  log.warn("The runner has no right to change its CronJobs any more; they are removed and it fires itself", {
    namespace,
  });
  for (const job of await listAll(place, JOBS, ownSelector(place.runnerId, "run"))) {
    if (!isOfCronJob(job)) continue;
    try {
      await api.patch(JOBS, namespace, job.metadata.name, { metadata: { ownerReferences: null } });
    } catch (error) {
      if (!isKind(error, KUBERNETES_ERRORS.ApiNotFound)) throw error;
    }
  }
  await api.remove(CONFIG_MAPS, namespace, anchor.metadata.name, { propagation: "Background", ...uidOf(anchor) });
}

/** True for a Job that a CronJob has made and owns. */
export function isOfCronJob(job: Job, uid?: string): boolean {
  const owners = job.metadata.ownerReferences ?? [];
  return owners.some((owner) => owner.kind === "CronJob" && (uid === undefined || owner.uid === uid));
}
