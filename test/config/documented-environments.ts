/*
 * Environments as the documents of each generation show them, or as its chart renders them with what it needs filled in
 * (facts: collate-hybrid-runner §1.1, §3). SERVER_URL and AUTH_TOKEN are the documented examples.
 */

/** Hybrid Ingestion Agent, March 2025. */
export const GENERATION_1: Readonly<Record<string, string>> = {
  AGENT_ID: "WestEu1Agent",
  ARGO_EXTRA_ENVS_NOOP: "[AWS_DEFAULT_REGION:value, AWS_ACCESS_KEY_ID:value, AWS_SECRET_ACCESS_KEY:value]",
  ARGO_INGESTION_IMAGE: "penmetadata/collate-base:1.7.0",
  AUTH_TOKEN: "documented-token",
  SERVER_URL: "wss://collate.example.com:443",
};

/** Hybrid Ingestion Runner on Docker, April 2025. */
export const GENERATION_2: Readonly<Record<string, string>> = {
  AGENT_ID: "WestEu1Runner",
  ARGO_EXTRA_ENVS_NOOP: "[AWS_DEFAULT_REGION:value, AWS_ACCESS_KEY_ID:value, AWS_SECRET_ACCESS_KEY:value]",
  ARGO_INGESTION_IMAGE: "openmetadata/collate-base:1.7.0",
  AUTH_TOKEN: "documented-token",
  SERVER_URL: "wss://collate.example.com:443",
};

/** Chart 1.10.1, with every value that it can render. */
export const GENERATION_3: Readonly<Record<string, string>> = {
  ARGO_WORKFLOW_EXECUTOR_SERVICE_ACCOUNT_NAME: "ingestion",
  AGENT_ID: "RemoteRunner",
  AUTH_TOKEN: "documented-token",
  SERVER_URL: "wss://my-cluster.getcollate.io",
  SERVER_HOST_API_URL: "https://my-cluster.getcollate.io/api",
  SECRETS_MANAGER: "",
  RECONNECT_DELAY_SECONDS: "5",
  ARGO_NAMESPACE: "collate",
  ARGO_INGESTION_IMAGE:
    "118146679784.dkr.ecr.eu-west-1.amazonaws.com/collate-customers-ingestion-slim-eu-west-1:om-1.10.1-cl-1.10.1",
  ARGO_DISABLE_VERSION_VALIDATION: "true",
  ARGO_WORKFLOW_CUSTOMER_TOLERATION: "dedicated=ingestion:NoSchedule",
  ARGO_IMAGE_PULL_SECRETS: "omd-registry-credentials, other-registry",
  ARGO_AUTOMOUNT_SA_TOKEN: "false",
  ARGO_EXTRA_ENVS: "[AWS_DEFAULT_REGION:eu-west-1,PROXY:http://proxy:3128]",
  ARGO_WORKFLOW_CPU_LIMIT: "1000m",
  ARGO_WORKFLOW_MEMORY_LIMIT: "4096Mi",
  ARGO_WORKFLOW_CPU_REQUEST: "200m",
  ARGO_WORKFLOW_MEMORY_REQUEST: "256Mi",
  ARGO_AUTOMATION_WORKFLOW_CPU_LIMIT: "500m",
  ARGO_AUTOMATION_WORKFLOW_MEMORY_LIMIT: "512Mi",
  ARGO_AUTOMATION_WORKFLOW_CPU_REQUEST: "200m",
  ARGO_AUTOMATION_WORKFLOW_MEMORY_REQUEST: "256Mi",
  PIPELINE_SERVICE_CLIENT_ENDPOINT: "http://argo-workflows-server.argo-workflows.svc:2746",
  ARGO_TOKEN: "argo-client-token",
  ARGO_SECONDS_AFTER_COMPLETION_TTL: "604800",
  ARGO_SERVER_CERTIFICATE_PATH: "/certs/argo.pem",
  ARGO_TEST_CONNECTION_BACKOFF_TIME: "10",
};

const GENERATION_4: Readonly<Record<string, string>> = {
  INGESTION_SERVICE_ACCOUNT_NAME: "ingestion",
  AGENT_ID: "RemoteRunner",
  AUTH_TOKEN: "documented-token",
  SERVER_URL: "wss://my-cluster.getcollate.io",
  SERVER_HOST_API_URL: "https://my-cluster.getcollate.io/api",
  SECRETS_MANAGER: "kubernetes",
  INGESTION_NAMESPACE: "collate",
  INGESTION_IMAGE:
    "118146679784.dkr.ecr.eu-west-1.amazonaws.com/collate-customers-ingestion-slim-eu-west-1:om-1.13.3-cl-1.13.3",
  INGESTION_IMAGE_PULL_SECRETS: "omd-registry-credentials",
  INGESTION_CPU_LIMIT: "1000m",
  INGESTION_MEMORY_LIMIT: "4096Mi",
  INGESTION_CPU_REQUEST: "1000m",
  INGESTION_MEMORY_REQUEST: "4096Mi",
  INGESTION_AUTOMATION_WORKFLOW_CPU_LIMIT: "500m",
  INGESTION_AUTOMATION_WORKFLOW_MEMORY_LIMIT: "512Mi",
  INGESTION_AUTOMATION_WORKFLOW_CPU_REQUEST: "200m",
  INGESTION_AUTOMATION_WORKFLOW_MEMORY_REQUEST: "256Mi",
};

/** Chart 1.13.3 with its own values: Simple Kubernetes. */
export const GENERATION_4_SIMPLE: Readonly<Record<string, string>> = {
  ...GENERATION_4,
  EXECUTOR_TYPE: "simpleK8s",
  SIMPLEK8S_PIPELINE_TYPE_CONFIGS: "",
};

/** Chart 1.13.3 with Argo, and with every value that it can render. */
export const GENERATION_4_ARGO: Readonly<Record<string, string>> = {
  ...GENERATION_4,
  SECRETS_MANAGER: "managed-aws",
  RECONNECT_DELAY_SECONDS: "5",
  DYNAMIC_INGESTION_VERSION_ENABLED: "true",
  INGESTION_DISABLE_VERSION_VALIDATION: "true",
  INGESTION_AUTOMOUNT_SA_TOKEN: "true",
  INGESTION_EXTRA_ENVS: "[AZURE_KEY_VAULT_NAME:vault]",
  ARGO_PIPELINE_TYPE_CONFIGS: '{"automation":{"priorityClassName":"high-priority"}}',
  ARGO_INGESTION_CONTAINER_SPEC_FILE_PATH: "/custom-config/container-params.yaml",
  ARGO_INGESTION_WORKFLOW_SPEC_FILE_PATH: "/custom-config/workflow-params.yaml",
  PIPELINE_SERVICE_CLIENT_ENDPOINT: "http://argo-workflows-server.argo-workflows.svc:2746",
  ARGO_TOKEN: "argo-client-token",
  ARGO_SECONDS_AFTER_COMPLETION_TTL: "86400",
  ARGO_SERVER_CERTIFICATE_PATH: "/certs/argo.pem",
  ARGO_TEST_CONNECTION_BACKOFF_TIME: "10",
};

/** All of them by name. */
export const DOCUMENTED_ENVIRONMENTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "generation 1": GENERATION_1,
  "generation 2": GENERATION_2,
  "generation 3": GENERATION_3,
  "generation 4 with Simple Kubernetes": GENERATION_4_SIMPLE,
  "generation 4 with Argo": GENERATION_4_ARGO,
};
