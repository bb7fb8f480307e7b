import { parseExact } from "../../../base/exact-json.ts";
import { CONFIG_MAPS, type ConfigMap, type OwnerReference } from "../../../kubernetes/objects.ts";
import type { PipelineBody } from "../../../protocol/messages.ts";
import { PIPELINE_BODY } from "../../../protocol/shapes.ts";
import { sha256Hex } from "../../../runtime/crypto.ts";
import type { FoundDeployment } from "../../executor.ts";
import { admitImage } from "../../pods/images/admit-image.ts";
import { ANNOTATIONS, hasLabels, LABELS, ownLabels, ownSelector } from "../../pods/labels.ts";
import { labelValue, pipelineIdIn, pipelineObjectName } from "../../pods/names.ts";
import type { Manifest } from "../manifests/manifest.ts";
import type { Anchor } from "./anchor.ts";
import { find, listAll, mustGo, type Place, refuseOthers, uidOf } from "./place.ts";
import type { Tended } from "./tending.ts";
import { versionOf } from "./version-of.ts";
import { writeObject } from "./write-object.ts";

/** Key of the whole pipeline as JSON, its bot token with it. */
const BODY_KEY = "pipeline";

/** They are read at a start only, so what is wrong with one isn't urgent. */
const LIST_EVERY_MS = 600_000;

/** Keys that tell what is needed to fire, where the body is not kept here. */
const HEAD_KEYS = { enabled: "enabled", cron: "cron", timeZone: "timeZone" } as const;

/**
 * Pipelines as ConfigMaps, for a runner that fires schedules itself. With their bodies only where it has no right to make
 * Secrets: they hold bot tokens, and where runs' configurations are in Secrets nothing shall undo that.
 */
export class KeptDeployments {
  readonly #place: Place;
  readonly #anchor: Anchor;
  readonly #withBodies: boolean;
  readonly #manifest: Manifest;
  readonly #prints = new Map<string, string>();

  constructor(place: Place, anchor: Anchor, manifest: Manifest) {
    this.#place = place;
    this.#anchor = anchor;
    this.#withBodies = manifest.configIn === "configMap";
    this.#manifest = manifest;
  }

  async list(): Promise<readonly FoundDeployment[]> {
    return (await this.look()).found;
  }

  /** Pipelines that are kept, and ids of all that have a ConfigMap of their own here, whatever is in it. */
  async look(): Promise<{ readonly found: readonly FoundDeployment[]; readonly ids: ReadonlySet<string> }> {
    const found: FoundDeployment[] = [];
    const ids = new Set<string>();
    for (const configMap of await listAll(this.#place, CONFIG_MAPS, ownSelector(this.#place.runnerId, "pipeline"))) {
      const deployment = foundIn(configMap);
      if (deployment !== undefined) found.push(deployment);
      const pipelineId = deployment?.pipelineId ?? pipelineIdIn(configMap.metadata.name);
      if (pipelineId !== undefined) ids.add(pipelineId);
    }
    return { found, ids };
  }

  /** The ConfigMaps that were put here, and how it is seen that somebody changed one. */
  tended(): Tended<ConfigMap> {
    return {
      resource: CONFIG_MAPS,
      labelSelector: ownSelector(this.#place.runnerId, "pipeline"),
      prints: this.#prints,
      printOf,
      onGone: () => this.#anchor.forget(),
      isWatched: false,
      listEveryMs: LIST_EVERY_MS,
    };
  }

  /**
   * True when something had to be written.
   * @throws CodedError ImageVersionDiffers, ObjectNotOurs, ObjectUnsettled, those of the API
   */
  async put(body: PipelineBody): Promise<boolean> {
    const wanted = this.#objectFor(body, await this.#anchor.reference());
    const present = await find(this.#place, CONFIG_MAPS, wanted.metadata.name);
    if (present !== undefined) {
      refuseOthers(this.#place, present);
      if (hasLabels(present, wanted.metadata.labels) && printOf(wanted) === printOf(present)) {
        this.#prints.set(body.pipelineId, printOf(wanted));
        return false;
      }
    }
    admitImage(this.#manifest, body);
    await writeObject(this.#place, wanted);
    this.#prints.set(body.pipelineId, printOf(wanted));
    return true;
  }

  /** @throws CodedError those of the API */
  async remove(pipelineId: string): Promise<void> {
    this.#prints.delete(pipelineId);
    const present = await find(this.#place, CONFIG_MAPS, pipelineObjectName(pipelineId));
    if (!mustGo(this.#place, present)) return;
    const { api, namespace } = this.#place;
    await api.remove(CONFIG_MAPS, namespace, present.metadata.name, { propagation: "Background", ...uidOf(present) });
  }

  #objectFor(body: PipelineBody, anchor: OwnerReference): ConfigMap {
    const data = this.#withBodies ? { [BODY_KEY]: JSON.stringify(body) } : headOf(body);
    return {
      apiVersion: CONFIG_MAPS.apiVersion,
      kind: CONFIG_MAPS.kind,
      metadata: {
        name: pipelineObjectName(body.pipelineId),
        namespace: this.#place.namespace,
        labels: { ...ownLabels(this.#place.runnerId, "pipeline"), [LABELS.pipelineId]: labelValue(body.pipelineId) },
        annotations: {
          [ANNOTATIONS.pipelineName]: body.name,
          [ANNOTATIONS.fullyQualifiedName]: body.fullyQualifiedName,
          [ANNOTATIONS.generation]: String(body.generation),
          [ANNOTATIONS.hash]: body.hash,
          [ANNOTATIONS.manifestHash]: sha256Hex(JSON.stringify([data, anchor.uid])),
        },
        ownerReferences: [anchor],
      },
      data,
    };
  }
}

/** Equal for ConfigMaps that say the same. */
function printOf({ metadata, data = {} }: ConfigMap): string {
  const owners = (metadata.ownerReferences ?? []).map(({ uid }) => uid);
  return sha256Hex(
    JSON.stringify([metadata.annotations?.[ANNOTATIONS.manifestHash], owners, Object.entries(data).sort()]),
  );
}

function headOf({ enabled, schedule }: PipelineBody): Record<string, string> {
  const times =
    schedule === undefined ? {} : { [HEAD_KEYS.cron]: schedule.cron, [HEAD_KEYS.timeZone]: schedule.timeZone };
  return { [HEAD_KEYS.enabled]: String(enabled), ...times };
}

function foundIn(configMap: ConfigMap): FoundDeployment | undefined {
  const { [BODY_KEY]: text, [HEAD_KEYS.enabled]: enabled, ...data } = configMap.data ?? {};
  if (text !== undefined) return foundInBody(text);
  const version = versionOf(configMap);
  if (enabled === undefined || version === undefined) return undefined;
  const { [HEAD_KEYS.cron]: cron, [HEAD_KEYS.timeZone]: timeZone } = data;
  const schedule = cron === undefined || timeZone === undefined ? {} : { schedule: { cron, timeZone } };
  return { ...version, enabled: enabled === "true", ...schedule };
}

function foundInBody(text: string): FoundDeployment | undefined {
  const body = parseBody(text);
  if (body === undefined) return undefined;
  const { pipelineId, generation, hash, enabled, schedule } = body;
  return { pipelineId, generation, hash, enabled, body, ...(schedule === undefined ? {} : { schedule }) };
}

function parseBody(text: string): PipelineBody | undefined {
  try {
    return PIPELINE_BODY.safeParse(parseExact(text)).data;
  } catch {
    return undefined;
  }
}
