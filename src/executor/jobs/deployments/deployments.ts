import { CONFIG_MAPS } from "../../../kubernetes/objects.ts";
import type { Deployments } from "../../executor.ts";
import { explainRefusal } from "../../pods/explain-refusal.ts";
import { admitImage } from "../../pods/images/admit-image.ts";
import type { KubernetesExecutorOptions } from "../../pods/options.ts";
import { rightsOf } from "../../pods/rights/right-table.ts";
import type { Rights } from "../../pods/rights/rights.ts";
import { anchorObject, type Manifest } from "../manifests/manifest.ts";
import { Anchor } from "./anchor.ts";
import { CronDeployments } from "./cron-deployments.ts";
import { KeptDeployments } from "./kept-deployments.ts";
import { outdatedMessage } from "./outdated-teller.ts";
import type { Place } from "./place.ts";
import { openRecordTexts, recordName } from "./record-texts.ts";
import { Tending } from "./tending.ts";

/** Deployed pipelines as objects of the cluster, and what else the executor asks of them. */
export interface KubernetesDeployments extends Deployments {
  /** A run that the schedule of this pipeline has started is about to need what belongs to it. */
  look(pipelineId: string): void;
  /** What isn't as it should be, for people; undefined when all is well. */
  message(): string | undefined;
}

/**
 * What the cluster keeps of deployed pipelines, as far as the rights go: CronJobs that fire by themselves; without the right
 * to make those ConfigMaps, so that a runner without its disk still knows what to fire; without that right too nothing.
 * Opening writes nothing: a standby process may do it.
 */
export async function openDeployments(
  options: KubernetesExecutorOptions,
  rights: Rights,
  manifest: Manifest,
): Promise<KubernetesDeployments> {
  const { api, namespace, runnerId, clock, log } = options;
  const place: Place = { api, namespace, runnerId, clock, log };
  const anchor = new Anchor(place, anchorObject(manifest), rights.fires);
  const keeps = rightsOf("keptPipelines").every((id) => rights.has(id));
  const kept = new KeptDeployments(place, anchor, { ...manifest, configIn: rights.configIn });
  if (rights.fires === "cluster") {
    const cron = new CronDeployments(place, { ...manifest, configIn: rights.configIn }, anchor);
    const tending = new Tending(place, cron.tended(rights));
    return {
      ...explained(inCluster(place, cron, keeps ? kept : undefined), namespace),
      tend: (again, signal) => tending.tend(again, signal),
      look: (pipelineId) => tending.look(pipelineId),
      message: () => sentences([tending.message(), outdatedMessage(cron.outdated())]),
    };
  }
  if (!keeps) return nothingKept(manifest);
  const tending = new Tending(place, kept.tended());
  const deployments: Deployments = {
    fires: "runner",
    list: () => kept.list(),
    put: (body) => kept.put(body),
    remove: (pipelineId) => kept.remove(pipelineId),
    records: openRecordTexts(place, anchor),
  };
  return {
    ...explained(deployments, namespace),
    tend: (again, signal) => tending.tend(again, signal),
    look: () => undefined,
    message: () => tending.message(),
  };
}

function sentences(all: readonly (string | undefined)[]): string | undefined {
  const told = all.filter((text) => text !== undefined);
  return told.length === 0 ? undefined : told.join(". ");
}

function nothingKept(manifest: Manifest): KubernetesDeployments {
  return {
    fires: "runner",
    list: () => Promise.resolve([]),
    put: async (body) => {
      admitImage(manifest, body);
      return false;
    },
    remove: () => Promise.resolve(),
    look: () => undefined,
    message: () => undefined,
  };
}

/** CronJobs, and the end of what a runner with fewer rights has left in ConfigMaps: bot tokens shall not stay there. */
function inCluster(place: Place, cron: CronDeployments, kept: KeptDeployments | undefined): Deployments {
  const leftovers = new Set<string>();

  /** Where configurations are in ConfigMaps, the one that was left has become the CronJob's. */
  const clear = async (pipelineId: string, isUsed: boolean): Promise<void> => {
    if (!leftovers.has(pipelineId)) return;
    const { api, namespace, runnerId } = place;
    if (!isUsed) await kept?.remove(pipelineId);
    await api.remove(CONFIG_MAPS, namespace, recordName(pipelineId, runnerId), { propagation: "Background" });
    leftovers.delete(pipelineId);
  };

  return {
    fires: "cluster",
    async list() {
      const found = new Map((await cron.list()).map((deployment) => [deployment.pipelineId, deployment]));
      const left = await kept?.look();
      for (const deployment of left?.found ?? []) {
        const present = found.get(deployment.pipelineId);
        if (present === undefined || present.generation <= deployment.generation) {
          found.set(deployment.pipelineId, deployment);
        }
      }
      for (const pipelineId of left?.ids ?? []) leftovers.add(pipelineId);
      return [...found.values()];
    },
    async put(body) {
      const isWritten = await cron.put(body);
      await clear(body.pipelineId, cron.keepsIn === "configMap" && body.schedule !== undefined);
      return isWritten;
    },
    async remove(pipelineId) {
      await cron.remove(pipelineId);
      await clear(pipelineId, false);
    },
  };
}

/** The same with refusals that name the missing right and the Role lines that end it, or the rule of the namespace. */
function explained(deployments: Deployments, namespace: string): Deployments {
  const explain = <T>(act: string, work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw explainRefusal(error, act, namespace);
    });
  return {
    ...deployments,
    list: () => explain("see what is deployed", deployments.list()),
    put: (body) => explain("deploy the pipeline", deployments.put(body)),
    remove: (pipelineId) => explain("remove the pipeline", deployments.remove(pipelineId)),
  };
}
