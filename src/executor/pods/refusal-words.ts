import type { FailureCategory } from "../../protocol/failure-category.ts";

/** Why the API server doesn't make an object, whoever asks for it: the runner for a Job, the Job controller for a pod. */
export interface Refusal {
  readonly category: FailureCategory;
  /** A word of ours for the kind of refusal. */
  readonly name: string;
  /** For people: a word of ours and the server's own. */
  readonly text: string;
  /** The category's own advice when absent. */
  readonly advice?: string;
}

/** In this order: a webhook's words may quote anything. */
const KINDS: readonly (Omit<Refusal, "text"> & { readonly told: RegExp })[] = [
  {
    told: /failed calling webhook|failed to call webhook/i,
    name: "Admission",
    category: "Admission",
    advice: "See why the admission webhook doesn't answer in time: its pods, its Service, its certificate",
  },
  { told: /admission webhook "[^"]*" denied|ValidatingAdmissionPolicy/i, name: "Admission", category: "Admission" },
  { told: /violates PodSecurity/i, name: "Admission", category: "Admission" },
  {
    told: /exceeded quota: \S+, requested: count\//i,
    name: "Quota",
    category: "Quota",
    advice: "Remove what isn't needed of the objects that the quota counts, or have the namespace's quota raised",
  },
  {
    told: /exceeded quota|insufficient quota|must specify [\w.,/-]+ for|must specify (limits|requests)|failed quota|status unknown for quota/i,
    name: "Quota",
    category: "Quota",
  },
  {
    // The words of the API server's LimitRanger.
    told: /(minimum|maximum) \S+ usage per \w+ is |max limit to request ratio per \w+ is /i,
    name: "LimitRange",
    category: "Admission",
    advice:
      "Set requests and limits of the ingestion pods within the namespace's LimitRange, or have the LimitRange changed",
  },
  {
    told: /serviceaccount "[^"]*" not found|error looking up service account/i,
    name: "service account missing",
    category: "ConfigError",
    advice: "Create the service account of the ingestion pods, or name another one in the runner's settings",
  },
  {
    told: /because it is being terminated/i,
    name: "namespace is being removed",
    category: "Admission",
    advice:
      "Make the namespace anew when it is gone, with the runner's Role, or name another one in INGESTION_NAMESPACE",
  },
  {
    told: /namespaces "[^"]*" not found/i,
    name: "namespace missing",
    category: "ConfigError",
    advice: "Create the namespace, with the runner's Role, or name another one in INGESTION_NAMESPACE",
  },
];

/** Reads the server's words; undefined for words that tell nothing known. */
export function readRefusal(words: string): Refusal | undefined {
  const kind = KINDS.find(({ told }) => told.test(words));
  if (kind === undefined) return undefined;
  const { category, advice, name } = kind;
  return { category, name, text: `${name}: ${words}`, ...(advice === undefined ? {} : { advice }) };
}
