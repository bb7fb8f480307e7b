import { VERSION } from "../../version.ts";
import * as pods from "../pod-values.ts";
import * as parse from "../values.ts";
import type { SettingRows } from "./row.ts";

/** Who resolves secret references in ingestion pods. */
export const SECRETS_MODES = ["wrapper", "native"] as const;
export type SecretsMode = (typeof SECRETS_MODES)[number];

/** How the wrapper gets into ingestion pods. */
export const WRAPPER_DELIVERIES = ["auto", "imageVolume", "initContainer"] as const;
export type WrapperDelivery = (typeof WRAPPER_DELIVERIES)[number];

/** The cluster, and what the runner does in it beside the pods' own looks. */
export interface ClusterSettings {
  readonly kubeContext: string | undefined;
  readonly secretsMode: SecretsMode;
  readonly wrapperImage: string | undefined;
  readonly wrapperDelivery: WrapperDelivery;
  readonly ingestionTtlSeconds: number;
  readonly ingestionStartTimeoutSeconds: number;
}

export const CLUSTER_SETTINGS: SettingRows<ClusterSettings> = {
  kubeContext: {
    variables: ["KUBE_CONTEXT"],
    parse: parse.text,
    fallback: () => undefined,
    otherwise: "the kubeconfig's current context",
    meaning: "context of the kubeconfig (KUBECONFIG or ~/.kube/config); not used in a pod without a kubeconfig",
  },
  secretsMode: {
    variables: ["SECRETS_MODE"],
    parse: parse.oneOf<SecretsMode>(SECRETS_MODES),
    fallback: () => "wrapper",
    meaning:
      "who resolves secret references in ingestion pods: the wrapper, or the ingestion image itself (native), whose log nothing masks then",
  },
  wrapperImage: {
    variables: ["WRAPPER_IMAGE"],
    parse: pods.image,
    fallback: () => undefined,
    otherwise: `in a pod the image of that pod, else \`hybrid-runner:${VERSION}\``,
    meaning: "image that the wrapper comes from, as the cluster's nodes pull it: the runner's own, in your registry",
  },
  wrapperDelivery: {
    variables: ["WRAPPER_DELIVERY"],
    parse: parse.oneOf<WrapperDelivery>(WRAPPER_DELIVERIES),
    fallback: () => "auto",
    meaning: "how the wrapper gets into ingestion pods; auto takes an image volume where the cluster keeps one",
  },
  ingestionTtlSeconds: {
    variables: ["INGESTION_TTL_SECONDS"],
    parse: parse.wholeNumber(0, 31_536_000),
    fallback: () => 3600,
    meaning: "how long the Job and pod of a run stay after the gateway has its end and its log, in seconds",
  },
  ingestionStartTimeoutSeconds: {
    variables: ["INGESTION_START_TIMEOUT_SECONDS"],
    parse: parse.wholeNumber(0, 604_800),
    fallback: () => 1800,
    meaning: "a pod whose container hasn't started for so many seconds fails with what kept it; 0: it waits for ever",
  },
};
