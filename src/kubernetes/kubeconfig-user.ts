import { directoryOf } from "../runtime/files.ts";
import type { Field } from "./kubeconfig-field.ts";
import { besideKubeconfig, type PemSource, pemSource } from "./pem-source.ts";

/** A program that is asked for credentials (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins). */
export interface CredentialPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Tells a person how to get the program. */
  readonly installHint?: string;
  readonly provideClusterInfo: boolean;
  /** Directory of the kubeconfig that names it. */
  readonly directory: string;
}

/** Who is to be let in. */
export interface KubeUser {
  /** For messages. */
  readonly what: string;
  readonly certificate?: PemSource;
  readonly key?: PemSource;
  readonly token?: string;
  /** Counts before `token`, and is read again. */
  readonly tokenFile?: string;
  readonly plugin?: CredentialPlugin;
  /** User and password, and who to act as. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

const PLUGIN_VERSIONS = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

/** A user's entry of a kubeconfig. @throws CodedError KubeconfigUnusable */
export function readUser(entry: Field): KubeUser {
  const certificate = pemSource(entry, "client-certificate");
  const key = pemSource(entry, "client-key");
  if (certificate !== undefined && key === undefined) throw entry.child("client-key").unusable("is missing");
  const provider = entry.child("auth-provider");
  if (provider.present) {
    throw provider.unusable("is not supported any more; use exec with a credential plugin, such as kubelogin for OIDC");
  }
  const token = entry.text("token");
  const tokenFile = entry.text("tokenFile");
  const plugin = entry.child("exec").present ? readPlugin(entry.child("exec")) : undefined;
  return {
    what: `${entry.path} of ${entry.file}`,
    headers: { ...basicHeader(entry), ...impersonation(entry) },
    ...(certificate === undefined ? {} : { certificate }),
    ...(key === undefined ? {} : { key }),
    ...(token === undefined ? {} : { token }),
    ...(tokenFile === undefined ? {} : { tokenFile: besideKubeconfig(entry.file, tokenFile) }),
    ...(plugin === undefined ? {} : { plugin }),
  };
}

function readPlugin(exec: Field): CredentialPlugin {
  const apiVersion = exec.required("apiVersion");
  if (!PLUGIN_VERSIONS.includes(apiVersion)) {
    throw exec.child("apiVersion").unusable(`must be ${PLUGIN_VERSIONS.join(" or ")}`);
  }
  if (exec.text("interactiveMode") === "Always") {
    throw exec.child("interactiveMode").unusable("is Always, but nobody sits at this program's terminal");
  }
  const command = exec.required("command");
  const installHint = exec.text("installHint");
  return {
    apiVersion,
    // A path, other than a mere name, begins at the kubeconfig's directory.
    command: command.includes("/") ? besideKubeconfig(exec.file, command) : command,
    args: exec.texts("args"),
    env: Object.fromEntries(exec.list("env").map((entry) => [entry.required("name"), entry.text("value") ?? ""])),
    provideClusterInfo: exec.flag("provideClusterInfo"),
    directory: directoryOf(exec.file),
    ...(installHint === undefined ? {} : { installHint }),
  };
}

function basicHeader(entry: Field): Readonly<Record<string, string>> {
  const user = entry.text("username");
  if (user === undefined) return {};
  const bytes = new TextEncoder().encode(`${user}:${entry.text("password") ?? ""}`);
  return { authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` };
}

function impersonation(entry: Field): Readonly<Record<string, string | readonly string[]>> {
  const headers: Record<string, string | readonly string[]> = {};
  const user = entry.text("as");
  if (user !== undefined) headers["impersonate-user"] = user;
  const uid = entry.text("as-uid");
  if (uid !== undefined) headers["impersonate-uid"] = uid;
  const groups = entry.texts("as-groups");
  if (groups.length > 0) headers["impersonate-group"] = groups;
  const extra = entry.child("as-user-extra");
  for (const name of entry.names("as-user-extra")) {
    headers[`impersonate-extra-${encodeURIComponent(name.toLowerCase())}`] = extra.texts(name);
  }
  return headers;
}
