import * as maps from "../pod-maps.ts";
import * as pods from "../pod-values.ts";
import * as parse from "../values.ts";
import type { SettingRows } from "./row.ts";

/** When a node pulls an image. */
export const PULL_POLICIES = ["Always", "IfNotPresent", "Never"] as const;
export type PullPolicy = (typeof PULL_POLICIES)[number];

/** What ingestion pods look like beyond what the documented product can be told. */
export interface PodShapeSettings {
  readonly ingestionImagePullPolicy: PullPolicy | undefined;
  /** Undefined: the image's own. */
  readonly ingestionRunAsUser: number | undefined;
  readonly ingestionReadOnlyRoot: boolean;
  readonly ingestionNodeSelector: Readonly<Record<string, string>>;
  readonly ingestionAffinity: Readonly<Record<string, unknown>> | undefined;
  readonly ingestionPriorityClassName: string | undefined;
  readonly ingestionPodLabels: Readonly<Record<string, string>>;
  readonly ingestionPodAnnotations: Readonly<Record<string, string>>;
}

/** The user that OpenMetadata's own Kubernetes client runs its ingestion images as (facts: openmetadata-contract §3.1). */
const INGESTION_USER = 1000;

export const POD_SHAPE_SETTINGS: SettingRows<PodShapeSettings> = {
  ingestionImagePullPolicy: {
    variables: ["INGESTION_IMAGE_PULL_POLICY"],
    parse: parse.oneOf<PullPolicy>(PULL_POLICIES),
    fallback: () => undefined,
    otherwise: "as Kubernetes has it: `Always` for the tag latest, else `IfNotPresent`",
    meaning: "when nodes pull the images of ingestion pods",
  },
  ingestionRunAsUser: {
    variables: ["INGESTION_RUN_AS_USER"],
    parse: pods.userOrImage,
    fallback: () => INGESTION_USER,
    absent: "image",
    meaning:
      "number of the user and group of ingestion pods; image: the image's own user, or the one OpenShift chooses",
  },
  ingestionReadOnlyRoot: {
    variables: ["INGESTION_READ_ONLY_ROOT"],
    parse: parse.trueOrFalse,
    fallback: () => true,
    meaning:
      "whether ingestion pods can write to /tmp only; false where the program installs or downloads into its home",
  },
  ingestionNodeSelector: {
    variables: ["INGESTION_NODE_SELECTOR"],
    parse: maps.nodeSelector,
    fallback: () => ({}),
    meaning: "labels that the nodes of ingestion pods must have",
  },
  ingestionAffinity: {
    variables: ["INGESTION_AFFINITY"],
    parse: maps.affinity,
    fallback: () => undefined,
    otherwise: "none",
    meaning: "affinity of ingestion pods",
  },
  ingestionPriorityClassName: {
    variables: ["INGESTION_PRIORITY_CLASS_NAME"],
    parse: pods.objectName,
    fallback: () => undefined,
    otherwise: "the cluster's default class, if it has one",
    meaning: "priority class of ingestion pods",
  },
  ingestionPodLabels: {
    variables: ["INGESTION_POD_LABELS"],
    parse: maps.podLabels,
    fallback: () => ({}),
    meaning: "labels that ingestion pods have beside the runner's own",
  },
  ingestionPodAnnotations: {
    variables: ["INGESTION_POD_ANNOTATIONS"],
    parse: maps.podAnnotations,
    fallback: () => ({}),
    meaning: "annotations of ingestion pods",
  },
};
