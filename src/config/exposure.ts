import { alsoOpenTo } from "../runtime/file-access.ts";
import { joinPath, listDirectory } from "../runtime/files.ts";
import { pathKind } from "../runtime/regular-file.ts";
import type { Sources } from "./find.ts";
import type { Evaluation } from "./load.ts";
import { flagOf, SETTING_KEYS, SETTINGS, type Settings } from "./settings.ts";

/** Secrets of the settings that others on this machine can read; `configFile` is where the settings of origin `file` are from. */
export async function exposures(
  { values, origins }: Pick<Evaluation, "origins"> & { readonly values: Partial<Settings> },
  { environment }: Pick<Sources, "environment">,
  configFile: string | undefined,
): Promise<readonly string[]> {
  const secret = SETTING_KEYS.filter((key) => SETTINGS[key].secret !== undefined);
  const flags = secret.filter((key) => origins[key].startsWith("flag ")).map(onCommandLine);
  const files: (readonly [name: string, path: string | undefined])[] = [["AUTH_TOKEN_FILE", values.authTokenFile]];
  if (secret.some((key) => origins[key] === "file")) files.push(["the configuration file", configFile]);
  // In pods these are paths of the pod.
  if (values.executorType === "process" && values.secretsManager === "file")
    files.push(["SECRETS_FILE", values.secretsFile], ["SECRETS_DIRECTORY", values.secretsDirectory]);
  const open = await Promise.all(files.map(([name, path]) => openFile(name, path, environment)));
  const missing = await Promise.all(files.map(([name, path]) => missingStore(name, path)));
  return [...flags, ...open.flat(), ...missing.flat()];
}

/** Secrets may come later, so it is no fault of the configuration yet. */
async function missingStore(name: string, path: string | undefined): Promise<readonly string[]> {
  if (path === undefined || !name.startsWith("SECRETS_")) return [];
  if ((await pathKind(path).catch(() => "other")) !== "missing") return [];
  return [`${name} names ${path}, and there is nothing: until it is made, every run with a secret reference fails`];
}

function onCommandLine(key: keyof Settings): string {
  const [variable] = SETTINGS[key].variables;
  return `--${flagOf(key)} is on the command line, which everybody on this machine can read: use ${variable === "AUTH_TOKEN" ? "AUTH_TOKEN_FILE" : variable}`;
}

/** What Docker and the kubelet mount is readable to all of its container, which is its wall; nobody chooses that mode there. */
const MOUNTED = /^(?:\/var)?\/run\/secrets\//;

/** A warning when others can read this file of secrets, or a file straight in this directory; none when there is nothing to tell. */
export async function openFile(
  name: string,
  path: string | undefined,
  environment: Sources["environment"],
): Promise<readonly string[]> {
  if (path === undefined || MOUNTED.test(path) || environment["KUBERNETES_SERVICE_HOST"] !== undefined) return [];
  const isDirectory = (await pathKind(path).catch(() => "other")) === "directory";
  if (isDirectory && !name.startsWith("SECRETS_")) return [`${name} must name a file, and ${path} is a directory`];
  const names = isDirectory ? await listDirectory(path).catch(() => []) : [];
  for (const file of isDirectory ? names.map((entry) => joinPath(path, entry)) : [path]) {
    const who = await alsoOpenTo(file);
    if (who === undefined) continue;
    return [`${name} holds a secret that ${who} can read or change: ${file} should have mode 600`];
  }
  return [];
}
