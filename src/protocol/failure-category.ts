/**
 * Why a run failed. One list for all executors; those of pods and nodes come from executors in a cluster.
 * Each category has its standard advice, which an occurrence may replace by something more exact.
 */
export const FAILURE_CATEGORIES = {
  ExitCode: "Read the last log lines: the ingestion program itself ended with an error",
  Killed: "Look for who sent the signal: a memory limit of the host, an administrator, another program",
  DeadlineExceeded: "Raise the pipeline's timeout, or find out why the source takes so long",
  SecretUnresolved: "Check the reference, the name in the secret store and the rights of the run's identity",
  ConfigError: "Correct the pipeline's configuration or the runner's settings and deploy again",
  PolicyDenied: "Ask the owner of the runner's policy to allow it, or change the pipeline",
  StartFailed: "Check that the ingestion command exists on the runner's side and may be executed",
  StartTimeout: "See in the detail what the run waited for, then run again",
  ImagePull: "Check the image's name and tag, the registry's credentials and whether the nodes reach the registry",
  InvalidImage: "Correct the name of the ingestion image",
  OOMKilled: "Raise the memory limit of the ingestion pods, or lower what the pipeline reads at once",
  Evicted: "Give the pods requests that match their use, or free the node's disk and memory, then run again",
  Preempted: "Give the ingestion pods a priority class that is not preempted, then run again",
  Unschedulable: "Free or add nodes that fit the pod's requests, selectors and tolerations",
  Quota: "Raise the namespace's quota, or lower the pods' requests and limits",
  Admission:
    "Read what the admission webhook or the Pod Security of the namespace asks for, and set the pods up accordingly",
  NodeLost: "See why the node went away, then run again",
  PodDeleted: "Find out who deleted the pod (a drain, an administrator, a clean-up), then run again",
  JobDeleted: "Find out who deleted the Job, then run again",
  Lost: "Run again; if it repeats, look for what ends processes or pods on the runner's side",
} as const;
export type FailureCategory = keyof typeof FAILURE_CATEGORIES;
