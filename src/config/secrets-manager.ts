/** Secret stores by their plain names. */
export type SecretsManager = "env" | "file" | "kubernetes" | "aws" | "aws-ssm" | "azure-kv" | "gcp" | "openbao";

/** Every name that SECRETS_MANAGER takes, with the store it means (facts: collate-hybrid-runner §1.9). On a runner, `managed-` makes no difference: it only reads. */
const NAMES: Readonly<Record<string, SecretsManager>> = {
  env: "env",
  file: "file",
  kubernetes: "kubernetes",
  aws: "aws",
  "managed-aws": "aws",
  "aws-ssm": "aws-ssm",
  "managed-aws-ssm": "aws-ssm",
  "azure-kv": "azure-kv",
  "managed-azure-kv": "azure-kv",
  gcp: "gcp",
  openbao: "openbao",
  "managed-openbao": "openbao",
};

/** The stores that this version can read. */
export const READABLE_STORES: readonly SecretsManager[] = ["env", "file", "kubernetes"];

/** The store of this name; upper and lower case are alike. @throws Error whose message completes "must be …" */
export function secretsManager(text: string): SecretsManager {
  const name = text.toLowerCase();
  const store = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
  if (store === undefined) throw new Error(`one of: ${Object.keys(NAMES).join(", ")}`);
  return store;
}
