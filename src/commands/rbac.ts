import { CodedError } from "../base/errors.ts";
import { parseSetting } from "../config/parse-setting.ts";
import { namespace as namespaceOf, objectName } from "../config/pod-values.ts";
import { rightIds } from "../executor/pods/rights/right-table.ts";
import {
  DOCUMENTED_RULES,
  ingestionRules,
  type RoleRule,
  type RoleSubject,
  roleYaml,
  rulesFor,
} from "../executor/pods/rights/role.ts";
import { type FlagTable, parseArguments } from "../runtime/arguments.ts";
import { RUNTIME_ERRORS } from "../runtime/errors.ts";
import { writeOut } from "../runtime/system.ts";

export const flags: FlagTable = {
  "service-account": {
    type: "string",
    value: "NAME",
    meaning: "the runner's service account; hybrid-runner by default",
  },
  "runner-namespace": { type: "string", value: "NAMESPACE", meaning: "where that is, when it is another one" },
  user: { type: "string", value: "NAME", meaning: "the runner is a user and no service account" },
  "ingestion-service-account": {
    type: "string",
    value: "NAME",
    meaning: "the service account of the ingestion pods; ingestion by default",
  },
  secrets: {
    type: "string",
    value: "NAME,NAME",
    meaning: "the Secrets that pipelines may refer to; all of the namespace when it is left out",
  },
  documented: { type: "boolean", meaning: "what the documented chart grants, and no more" },
};

/**
 * `hybrid-runner rbac NAMESPACE`: the Role that the runner needs in the namespace of the ingestion pods, and that of the pods,
 * as YAML for `kubectl apply -f -`. The runner is a service account (`--service-account`, in `--runner-namespace` when that is
 * another one) or a user (`--user`). `--secrets` names the Secrets that pipelines may refer to. With `--documented` what the documented chart grants it.
 */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, flags, { operands: true });
  const [namespace, ...others] = positionals;
  if (namespace === undefined || others.length > 0) {
    const found = namespace === undefined ? "no namespace was named" : `${positionals.length} namespaces were named`;
    throw new CodedError(RUNTIME_ERRORS.UsageError, `Cannot print the Role: ${found}`, {
      advice: "Write: hybrid-runner rbac NAMESPACE, the namespace of the ingestion pods",
    });
  }
  const text = (flag: string, fallback: string): string => {
    const value = values[flag];
    return typeof value === "string" ? value : fallback;
  };
  const user = text("user", "");
  const problems: string[] = [];
  const check = (name: string, given: string, parse: (text: string) => string): void =>
    void parseSetting({ name, text: given }, { parse }, problems);
  check("NAMESPACE", namespace, namespaceOf);
  for (const flag of ["service-account", "ingestion-service-account"]) check(`--${flag}`, text(flag, "a"), objectName);
  check("--runner-namespace", text("runner-namespace", "a"), namespaceOf);
  check("--user", text("user", "a"), userName);
  if (problems.length > 0) {
    throw new CodedError(RUNTIME_ERRORS.UsageError, `Cannot print the Role: ${problems.join("; ")}`, {
      advice: "Write the names as the cluster has them",
    });
  }
  const runner: RoleSubject =
    user === ""
      ? {
          kind: "ServiceAccount",
          name: text("service-account", "hybrid-runner"),
          namespace: text("runner-namespace", namespace),
        }
      : { kind: "User", name: user };
  const role = (name: string, rules: readonly RoleRule[], subject: RoleSubject): string =>
    roleYaml({ name, namespace, rules, subject });
  if (values["documented"] === true) await writeOut(role("hybrid-runner", DOCUMENTED_RULES, runner));
  else {
    const pods: RoleSubject = {
      kind: "ServiceAccount",
      name: text("ingestion-service-account", "ingestion"),
      namespace,
    };
    const secrets = text("secrets", "")
      .split(",")
      .filter((name) => name !== "");
    const notes = [
      "# Pipelines may refer to every Secret that the role hybrid-runner-ingestion reads.",
      ...(secrets.length > 0
        ? []
        : ["# Without --secrets NAME,NAME these are all of the namespace: keep no other Secrets there."]),
      "# The Secret with the runner's own token belongs into another namespace.",
      "",
    ];
    const roles = [
      role("hybrid-runner", rulesFor(rightIds()), runner),
      role("hybrid-runner-ingestion", ingestionRules(secrets), pods),
    ];
    await writeOut(notes.join("\n") + roles.join("---\n"));
  }
  return 0;
}

/** The cluster's authentication says what a user is called: an address, a certificate's common name, anything with a prefix. */
function userName(name: string): string {
  if (name.trim() !== name || name === "" || !/^[^\p{C}]{1,253}$/u.test(name)) throw new Error("the name of a user");
  return name;
}
