import { RIGHTS, type RightId, rightIds } from "./right-table.ts";

/** A rule of a Role. */
export interface RoleRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Only the objects with these names; all when absent. */
  readonly resourceNames?: readonly string[];
}

/** Who gets a Role: a service account, perhaps of another namespace, or a user as a client certificate names it. */
export type RoleSubject =
  | { readonly kind: "ServiceAccount"; readonly name: string; readonly namespace: string }
  | { readonly kind: "User"; readonly name: string };

/** A Role and who gets it. */
export interface RoleManifest {
  readonly name: string;
  readonly namespace: string;
  readonly rules: readonly RoleRule[];
  readonly subject: RoleSubject;
}

const RBAC = "rbac.authorization.k8s.io";

/** What the documented chart (1.13.3, Simple Kubernetes executor) grants the runner: docs/rbac.md says what follows from it. */
export const DOCUMENTED_RULES: readonly RoleRule[] = [
  { apiGroups: ["batch"], resources: ["jobs"], verbs: ["create", "get", "list", "watch", "delete", "patch", "update"] },
  {
    apiGroups: [""],
    resources: ["pods", "pods/log", "pods/status"],
    verbs: ["create", "get", "list", "watch", "delete"],
  },
  {
    apiGroups: [""],
    resources: ["configmaps"],
    verbs: ["create", "get", "list", "update", "patch", "delete", "watch"],
  },
  { apiGroups: [""], resources: ["events"], verbs: ["get", "list"] },
];

/** What ingestion pods need: the wrapper reads the secrets that a configuration refers to, by name. Without names all of the namespace. */
export function ingestionRules(secrets: readonly string[]): readonly RoleRule[] {
  const names = secrets.length === 0 ? {} : { resourceNames: secrets };
  return [{ apiGroups: [""], resources: ["secrets"], verbs: ["get"], ...names }];
}

/** The rules that give these rights, one for each resource. */
export function rulesFor(ids: readonly RightId[]): readonly RoleRule[] {
  const rules = new Map<string, RoleRule>();
  for (const id of ids) {
    const [resource = "", verb = ""] = id.split(":");
    const verbs = rules.get(resource)?.verbs ?? [];
    rules.set(resource, { apiGroups: [RIGHTS[id].group], resources: [resource], verbs: [...verbs, verb] });
  }
  return [...rules.values()];
}

/** The same as lines that can be put under `rules:`. */
export function ruleLines(ids: readonly RightId[]): readonly string[] {
  return rulesFor(ids).map((rule) => `- {${ruleFields(rule).join(", ")}}`);
}

/** Rights of the table that these rules give. */
export function rightsIn(rules: readonly RoleRule[]): readonly RightId[] {
  return rightIds().filter((id) => {
    const [resource = "", verb = ""] = id.split(":");
    return rules.some(
      (rule) =>
        rule.apiGroups.includes(RIGHTS[id].group) && rule.resources.includes(resource) && rule.verbs.includes(verb),
    );
  });
}

/** A Role and its RoleBinding as YAML for `kubectl apply -f -`. */
export function roleYaml({ name, namespace, rules, subject }: RoleManifest): string {
  const head = (kind: string): string[] => [
    `apiVersion: ${RBAC}/v1`,
    `kind: ${kind}`,
    "metadata:",
    `  name: ${quoted(name)}`,
    `  namespace: ${quoted(namespace)}`,
  ];
  const subjectLines =
    subject.kind === "User"
      ? [`  - {kind: User, apiGroup: ${RBAC}, name: ${quoted(subject.name)}}`]
      : [`  - {kind: ServiceAccount, namespace: ${quoted(subject.namespace)}, name: ${quoted(subject.name)}}`];
  return [
    ...head("Role"),
    "rules:",
    ...rules.flatMap((rule) => ruleFields(rule).map((field, index) => `  ${index === 0 ? "-" : " "} ${field}`)),
    "---",
    ...head("RoleBinding"),
    `roleRef: {apiGroup: ${RBAC}, kind: Role, name: ${quoted(name)}}`,
    "subjects:",
    ...subjectLines,
    "",
  ].join("\n");
}

function ruleFields({ apiGroups, resources, verbs, resourceNames }: RoleRule): readonly string[] {
  const names = resourceNames === undefined ? [] : [`resourceNames: ${list(resourceNames)}`];
  return [`apiGroups: ${list(apiGroups)}`, `resources: ${list(resources)}`, `verbs: ${list(verbs)}`, ...names];
}

function list(values: readonly string[]): string {
  return `[${values.map(quoted).join(", ")}]`;
}

/** JSON's strings are YAML's too. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
