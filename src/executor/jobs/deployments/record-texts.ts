import { isKind } from "../../../base/errors.ts";
import { KUBERNETES_ERRORS } from "../../../kubernetes/errors.ts";
import { CONFIG_MAPS, type ConfigMap } from "../../../kubernetes/objects.ts";
import { sha256Hex } from "../../../runtime/crypto.ts";
import type { PipelineTexts } from "../../executor.ts";
import { LABELS, ownLabels, ownSelector } from "../../pods/labels.ts";
import { labelValue, pipelineObjectName } from "../../pods/names.ts";
import type { Anchor } from "./anchor.ts";
import { listAll, type Place, settle } from "./place.ts";

const TEXT_KEY = "record";

/** Enough that no two runners of one namespace share a name; a label tells the rest. */
const RUNNER_HASH_LENGTH = 10;

/** Name of the ConfigMap that remembers a pipeline's schedule. The runner is part of it: a moved pipeline has two for a while. */
export function recordName(pipelineId: string, runnerId: string): string {
  return `${pipelineObjectName(pipelineId)}-record-${sha256Hex(runnerId).slice(0, RUNNER_HASH_LENGTH)}`;
}

/** What is remembered of schedules, a ConfigMap for each: writing one costs one request. */
export function openRecordTexts(place: Place, anchor: Anchor): PipelineTexts {
  const { api, namespace, runnerId } = place;

  const create = async (pipelineId: string, text: string): Promise<void> => {
    const object: ConfigMap = {
      apiVersion: CONFIG_MAPS.apiVersion,
      kind: CONFIG_MAPS.kind,
      metadata: {
        name: recordName(pipelineId, runnerId),
        namespace,
        labels: { ...ownLabels(runnerId, "record"), [LABELS.pipelineId]: labelValue(pipelineId) },
        ownerReferences: [await anchor.reference()],
      },
      data: { [TEXT_KEY]: text },
    };
    await api.create(CONFIG_MAPS, namespace, object);
  };

  return {
    async list() {
      const texts = new Map<string, string>();
      for (const { metadata, data } of await listAll(place, CONFIG_MAPS, ownSelector(runnerId, "record"))) {
        const [pipelineId, text] = [metadata.labels?.[LABELS.pipelineId], data?.[TEXT_KEY]];
        if (pipelineId !== undefined && text !== undefined) texts.set(pipelineId, text);
      }
      return texts;
    },
    write: (pipelineId, text) => {
      const name = recordName(pipelineId, runnerId);
      return settle(place, `ConfigMap ${name}`, async () => {
        try {
          await api.patch(CONFIG_MAPS, namespace, name, { data: { [TEXT_KEY]: text } });
        } catch (error) {
          if (!isKind(error, KUBERNETES_ERRORS.ApiNotFound)) throw error;
          await create(pipelineId, text);
        }
        return true;
      });
    },
    async remove(pipelineId) {
      await api.remove(CONFIG_MAPS, namespace, recordName(pipelineId, runnerId), { propagation: "Background" });
    },
  };
}
