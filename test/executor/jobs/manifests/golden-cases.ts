import { parseExact } from "../../../../src/base/exact-json.ts";
import type { RunSpec } from "../../../../src/executor/executor.ts";
import type { Manifest } from "../../../../src/executor/jobs/manifests/manifest.ts";
import {
  anchorObject,
  anchorReference,
  neverStartedJob,
  pipelineConfig,
  retryJob,
  runConfig,
  runJob,
  scheduleCronJob,
} from "../../../../src/executor/jobs/manifests/manifest.ts";
import type { ConfigMap, Job, KubernetesObject } from "../../../../src/kubernetes/objects.ts";
import type { JsonObject } from "../../../../src/protocol/messages.ts";
import { FULL_PODS, manifest, PIPELINE, PLAIN_PODS, RUN } from "./samples.ts";

const JOB_UID = "33333333-3333-4333-8333-333333333333";
const ANCHOR_UID = "44444444-4444-4444-8444-444444444444";

/** The objects of each case, in the order in which they are created. The name is that of the golden file. */
export function goldenCases(): Readonly<Record<string, readonly KubernetesObject[]>> {
  return {
    "run-plain": run(manifest()),
    "run-with-everything": run(manifest({ pods: FULL_PODS }), { timeoutSeconds: 7200, retries: 1 }),
    "run-image-volume": run(manifest({ pods: { ...FULL_PODS, affinity: {} } }, { delivery: "imageVolume" })),
    "run-native": run(manifest({ secretsMode: "native", pods: FULL_PODS })),
    "run-with-exact-numbers": run(manifest({ secretsMode: "native" }), {
      config: parseExact('{"accountId":1234567890123456789,"tiny":0.0000001,"e":[1e-7,1E5,-0,1.0]}') as JsonObject,
    }),
    "run-in-config-map": run(manifest({ pods: FULL_PODS }, { configIn: "configMap" })),
    "run-of-pipeline-type": run(manifest({ pods: FULL_PODS }), { pipelineType: "usage" }),
    "run-with-parameter-files": run(manifest({ pods: PARAMETER_PODS })),
    "run-of-images-user": run(manifest({ pods: imagesUser(), secrets: { provider: "env", prefix: "S_" } })),
    automation: run(manifest({ pods: FULL_PODS }), { pipelineType: "automation" }),
    "application-flow": run(manifest(), { pipelineType: "applicationFlow" }),
    "run-never-started": [neverStartedJob(runJob(manifest(), RUN), "StartTimeout")],
    "retry-of-run": [
      retryJob(fromServer(runJob(manifest(), { ...RUN, retries: 2, timeoutSeconds: 60 })), RUN.runId, 2),
    ],
    schedule: schedule(manifest({ pods: FULL_PODS })),
    "schedule-suspended": schedule(manifest(), { enabled: false }),
    "retry-of-scheduled-run": [retryOfScheduled(manifest())],
  };
}

const PARAMETER_PODS: Manifest["options"]["pods"] = {
  ...FULL_PODS,
  container: {
    env: [
      { name: "PROXY", value: "http://proxy:3128" },
      { name: "AWS_DEFAULT_REGION", value: "us-east-1" },
      { name: "pipelineType", value: "never-this" },
    ],
    securityContext: { readOnlyRootFilesystem: false, runAsUser: 2000 },
    volumeMounts: [{ name: "drivers", mountPath: "/drivers" }],
    resources: { limits: { memory: "6Gi" } },
    command: ["never-this"],
  },
  podSpec: {
    tolerations: [{ key: "spot", operator: "Exists" }],
    restartPolicy: "OnFailure",
    nodeSelector: { "kubernetes.io/os": null, pool: "ingestion" },
    hostAliases: [{ ip: "10.0.0.7", hostnames: ["database.internal"] }],
    volumes: [{ name: "drivers", emptyDir: { sizeLimit: "1Gi" } }],
    initContainers: [
      {
        name: "drivers",
        image: "registry.example.com/drivers:1",
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        volumeMounts: [{ name: "drivers", mountPath: "/drivers" }],
      },
    ],
  },
};

function imagesUser(): Manifest["options"]["pods"] {
  const { runAsUser: _, ...pods } = PLAIN_PODS;
  return { ...pods, readOnlyRootFilesystem: false };
}

function run(m: Manifest, change: Partial<RunSpec> = {}): readonly KubernetesObject[] {
  const spec = { ...RUN, ...change };
  const job = runJob(m, spec);
  return [job, runConfig(m, spec, withUid(job, JOB_UID))];
}

function schedule(m: Manifest, change: Partial<typeof PIPELINE> = {}): readonly KubernetesObject[] {
  const body = { ...PIPELINE, ...change };
  const anchor = anchorObject(m);
  const owner = anchorReference(withUid(anchor, ANCHOR_UID));
  return [anchor, pipelineConfig(m, body, owner), scheduleCronJob(m, body, owner)];
}

/** A Job as the CronJob controller makes it, and its next attempt. */
function retryOfScheduled(m: Manifest): Job {
  const owner = anchorReference(withUid<ConfigMap>(anchorObject(m), ANCHOR_UID));
  const { jobTemplate } = scheduleCronJob(m, PIPELINE, owner).spec;
  const first: Job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "hr-fired-29000000", namespace: m.options.namespace, ...jobTemplate.metadata },
    spec: jobTemplate.spec,
  };
  return retryJob(fromServer(first), JOB_UID, 2);
}

/** What the API server and its controllers add to a Job, and what the runner has noted on it since. */
function fromServer(job: Job): Job {
  const controller = {
    "batch.kubernetes.io/controller-uid": JOB_UID,
    "controller-uid": JOB_UID,
    "batch.kubernetes.io/job-name": job.metadata.name,
    "job-name": job.metadata.name,
  };
  const { template, ...spec } = job.spec;
  const more = {
    selector: { matchLabels: { "batch.kubernetes.io/controller-uid": JOB_UID } },
    completionMode: "NonIndexed",
    manualSelector: false,
    ttlSecondsAfterFinished: 3600,
  };
  return {
    ...job,
    metadata: {
      ...job.metadata,
      uid: JOB_UID,
      resourceVersion: "7",
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { ...job.metadata.labels, ...controller },
      annotations: { ...job.metadata.annotations, "batch.kubernetes.io/job-tracking": "" },
      ownerReferences: [{ apiVersion: "batch/v1", kind: "CronJob", name: "hr-x", uid: ANCHOR_UID, controller: true }],
    },
    spec: {
      ...spec,
      ...more,
      template: {
        ...template,
        metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...controller } },
      },
    },
    status: { failed: 1 },
  };
}

function withUid<T extends KubernetesObject>(object: T, uid: string): T {
  return { ...object, metadata: { ...object.metadata, uid } };
}
