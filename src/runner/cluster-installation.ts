import { describeError, errorCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { ownLabels } from "../executor/pods/labels.ts";
import { installationName } from "../executor/pods/names.ts";
import type { KubernetesApi } from "../kubernetes/api.ts";
import { CONFIG_MAPS, NAMESPACES } from "../kubernetes/objects.ts";
import { joinPath, readTextIfExists, writeDurably } from "../runtime/files.ts";
import { installationId } from "./installation.ts";

/** Where a runner's place is. */
export interface ClusterPlace {
  readonly api: KubernetesApi;
  readonly namespace: string;
  readonly runnerId: string;
  readonly dataDirectory: string;
  readonly log: Log;
}

/** Kubernetes makes it in every namespace; its UID named the place where the namespace's own may not be read. */
const EVERYWHERE = "kube-root-ca.crt";

/** Key of the ConfigMap's data. */
const KEY = "installation-id";

/** The protocol takes no longer one. */
const ID = /^[\w.-]{1,128}$/;

/**
 * Names the place that a runner works in. It is kept in a ConfigMap and in the data directory, and each is made anew from the
 * other: so it depends on no right, and outlives the namespace or the disk. Where neither has one, it is what earlier versions
 * would have taken, so that an installation keeps its id through an upgrade.
 */
export async function clusterInstallationId(place: ClusterPlace): Promise<string> {
  const path = joinPath(place.dataDirectory, "cluster-installation-id");
  const onDisk = validId(await readTextIfExists(path).catch(() => undefined));
  const inCluster = await read(place);
  const id = inCluster ?? (await keep(place, onDisk ?? (await idOfOld(place))));
  if (onDisk !== undefined && onDisk !== id) {
    place.log.warn("The cluster names another installation than the data directory; the cluster's is taken", {
      configMap: installationName(place.runnerId),
      was: onDisk,
      is: id,
      next: "If the gateway refuses the runner as runnerIdInUse: POST /api/v1/runners/{id}/rebind",
    });
  }
  if (onDisk !== id) {
    await writeDurably(path, `${id}\n`).catch((error: unknown) => {
      place.log.warn("The installation id can't be kept in the data directory", { error: describeError(error) });
    });
  }
  return id;
}

/** The id that the ConfigMap holds; undefined when there is none, or no right to read it. */
async function read({ api, namespace, runnerId, log }: ClusterPlace): Promise<string | undefined> {
  try {
    const { data } = await api.get(CONFIG_MAPS, namespace, installationName(runnerId));
    const id = validId(data?.[KEY]);
    if (id === undefined) log.warn("The ConfigMap of the installation holds no id", { key: KEY });
    return id;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Puts the id into the cluster, as far as that may be done. Answers the one that is there, when another process was faster. */
async function keep(place: ClusterPlace, id: string): Promise<string> {
  const { api, namespace, runnerId, log } = place;
  const name = installationName(runnerId);
  const { apiVersion, kind } = CONFIG_MAPS;
  try {
    await api.create(CONFIG_MAPS, namespace, {
      apiVersion,
      kind,
      metadata: { name, namespace, labels: ownLabels(runnerId, "installation") },
      data: { [KEY]: id, about: "Names the installation that the gateway has bound the runner's id to. Keep it." },
    });
    return id;
  } catch (error) {
    if (errorCode(error) === "ApiAlreadyExists") return (await read(place)) ?? id;
    log.info("The installation id is kept in the data directory only", { error: describeError(error) });
    return id;
  }
}

/** What versions took that kept it nowhere: the UID of the namespace, of something that is in it from its beginning, or a random one. */
async function idOfOld({ api, namespace, dataDirectory }: ClusterPlace): Promise<string> {
  for (const find of [() => api.get(NAMESPACES, "", namespace), () => api.get(CONFIG_MAPS, namespace, EVERYWHERE)]) {
    try {
      const { uid } = (await find()).metadata;
      if (uid !== undefined) return uid;
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }
  return installationId(dataDirectory);
}

function isAbsent(error: unknown): boolean {
  const code = errorCode(error);
  return code === "ApiForbidden" || code === "ApiNotFound";
}

function validId(text: string | undefined): string | undefined {
  const id = text?.trim();
  return id !== undefined && ID.test(id) ? id : undefined;
}
