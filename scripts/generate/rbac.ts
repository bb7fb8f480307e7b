import {
  FEATURES,
  type FeatureId,
  featureOf,
  RIGHTS,
  type RightId,
  rightIds,
} from "../../src/executor/pods/rights/right-table.ts";
import {
  DOCUMENTED_RULES,
  ingestionRules,
  type RoleRule,
  rightsIn,
  roleYaml,
  ruleLines,
  rulesFor,
} from "../../src/executor/pods/rights/role.ts";

/** docs/rbac.md: from the table that the check at start and the printed Role are made of. */
export function rbacMarkdown(): string {
  const documented = rightsIn(DOCUMENTED_RULES);
  const lacking = rightIds().filter((id) => !documented.includes(id));
  const consequences = features().filter((feature) => lacking.some((id) => featureOf(id) === feature));
  return `# Rights in the cluster

Generated from \`src/executor/pods/rights/right-table.ts\` by \`npm run generate\`. Do not edit.

All rights are of one namespace: the one of the ingestion pods. \`hybrid-runner rbac NAMESPACE | kubectl apply -f -\` grants them; \`--service-account\`, \`--runner-namespace\` and \`--user\` say to whom. The runner never gets or lists Secrets, and nothing outside the namespace is asked for.

At its start, and now and then later, the runner asks the API server for each right (SelfSubjectAccessReview, which every identity may do by default). What is missing is told in its log and in the refusal of what needs it (\`RightMissing\`), with the lines to add to the Role. Everything else goes on.

## What each right is for

| group | resource | verb | what for | feature |
|---|---|---|---|---|
${rightIds().map(row).join("\n")}

## What is without them

| feature | without one of its rights |
|---|---|
${features()
  .map((feature) => `| ${title(feature)} | ${FEATURES[feature].without} |`)
  .join("\n")}

Who fires and where configurations lie is decided at the start: restart the runner after changing that. When rights were added, pipelines move from ConfigMaps to CronJobs and Secrets by themselves; when they were taken away, the CronJobs are removed with the object that owns them, and the runner fires.

## With the documented chart

The chart for the Simple Kubernetes executor (seen: 1.13.3) grants the runner this:

${yaml(documentedRole())}

So the rights ${lacking.map((id) => `\`${id}\``).join(", ")} are missing, and these features with them: ${consequences.map(title).join(", ")}. Pipelines run and schedules fire all the same:

- **The bot token lies in ConfigMaps.** A run's configuration travels in a ConfigMap that belongs to its Job and goes with it; deployed pipelines are kept in ConfigMaps too. Everybody who may read ConfigMaps in that namespace reads the pipeline's bot token there. The runner warns about it at each start. Passwords are not in them: those are references that the pod resolves.
- **The runner fires schedules.** It keeps what it has fired in ConfigMaps, so that a restart, also one without its disk, fires nothing twice and makes up for one missed fire. Nothing fires while it is away.

These lines, added to that Role, end both:

${yaml(ruleLines(lacking).join("\n"))}

## The whole Role

What \`hybrid-runner rbac ingestion\` prints. The second Role is the one of the ingestion pods: the wrapper in them reads the Secrets that configurations refer to, with the secrets manager \`kubernetes\`; with another one they need none.

${yaml(wholeRoles())}

An uninstall: \`kubectl -n NAMESPACE delete configmap -l app.kubernetes.io/managed-by=hybrid-runner,app.kubernetes.io/component=anchor\` removes the object that owns all schedules of a runner, and they stop firing; runs that they have started are ended with them. Other runs go on to their end.
`;
}

function row(id: RightId): string {
  const [resource = "", verb = ""] = id.split(":");
  const { group, why } = RIGHTS[id];
  return `| ${group === "" ? "core" : `\`${group}\``} | \`${resource}\` | \`${verb}\` | ${why} | ${title(featureOf(id))} |`;
}

function title(feature: FeatureId): string {
  return FEATURES[feature].title;
}

function features(): readonly FeatureId[] {
  return Object.keys(FEATURES) as FeatureId[];
}

function documentedRole(): string {
  return DOCUMENTED_RULES.map(line).join("\n");
}

function line({ apiGroups, resources, verbs }: RoleRule): string {
  return `- {apiGroups: ${JSON.stringify(apiGroups)}, resources: ${JSON.stringify(resources)}, verbs: ${JSON.stringify(verbs)}}`;
}

function wholeRoles(): string {
  const namespace = "ingestion";
  const account = (name: string) => ({ kind: "ServiceAccount", name, namespace }) as const;
  return [
    roleYaml({ name: "hybrid-runner", namespace, rules: rulesFor(rightIds()), subject: account("hybrid-runner") }),
    roleYaml({
      name: "hybrid-runner-ingestion",
      namespace,
      rules: ingestionRules(["shop-db"]),
      subject: account("ingestion"),
    }),
  ].join("---\n");
}

function yaml(text: string): string {
  return `\`\`\`yaml\n${text.trimEnd()}\n\`\`\``;
}
