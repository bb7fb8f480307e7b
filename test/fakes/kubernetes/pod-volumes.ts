import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Volume } from "../../../src/kubernetes/objects.ts";
import { type Fields, isFields, type Stored } from "./kinds.ts";
import type { ObjectStore } from "./object-store.ts";
import { fieldOfPod } from "./pod-environment.ts";

/** A file of a volume: name and bytes. */
type VolumeFiles = ReadonlyMap<string, Uint8Array>;

/** Where each volume of a pod is on this machine, or the message of the FailedMount event. */
export type Mounted = { readonly directories: ReadonlyMap<string, string> } | { readonly failed: string };

/** Makes the volumes of a pod below its private directory: secret, configMap, downwardAPI, projected, emptyDir, image, hostPath. */
export async function mountVolumes(store: ObjectStore, pod: Stored, root: string): Promise<Mounted> {
  const directories = new Map<string, string>();
  for (const volume of (pod.spec?.["volumes"] ?? []) as readonly Volume[]) {
    const hostPath = volume["hostPath"];
    const directory = isFields(hostPath) ? String(hostPath["path"]) : join(root, "volumes", volume.name);
    directories.set(volume.name, directory);
    if (isFields(hostPath)) continue;
    await mkdir(directory, { recursive: true });
    const files = filesOf(store, pod, volume);
    if (typeof files === "string") return { failed: `MountVolume.SetUp failed for volume "${volume.name}" : ${files}` };
    for (const [name, bytes] of files) {
      const path = join(directory, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes, { mode: modeOf(volume) });
    }
  }
  return { directories };
}

/** The files, or what is missing. */
function filesOf(store: ObjectStore, pod: Stored, volume: Volume): VolumeFiles | string {
  for (const kind of ["secret", "configMap", "downwardAPI"]) {
    if (isFields(volume[kind])) return filesOfSource(store, pod, { [kind]: volume[kind] });
  }
  const projected = volume["projected"];
  const sources =
    isFields(projected) && Array.isArray(projected["sources"]) ? (projected["sources"] as readonly Fields[]) : [];
  const all = new Map<string, Uint8Array>();
  for (const source of sources) {
    const files = filesOfSource(store, pod, source);
    if (typeof files === "string") return files;
    for (const [name, bytes] of files) all.set(name, bytes);
  }
  return all;
}

function filesOfSource(store: ObjectStore, pod: Stored, source: Fields): VolumeFiles | string {
  const { configMap, downwardAPI, secret } = source;
  if (isFields(downwardAPI)) {
    const items = (downwardAPI["items"] ?? []) as readonly { path: string; fieldRef?: { fieldPath: string } }[];
    return new Map(items.map(({ fieldRef, path }) => [path, Buffer.from(fieldOfPod(pod, fieldRef?.fieldPath ?? ""))]));
  }
  const wanted = isFields(secret) ? secret : configMap;
  if (!isFields(wanted)) return new Map();
  const plural = isFields(secret) ? "secrets" : "configmaps";
  const name = String(wanted["secretName"] ?? wanted["name"]);
  const object = store.get<Stored & { data?: Readonly<Record<string, string>> }>(plural, pod.metadata.namespace, name);
  if (object === undefined) {
    return wanted["optional"] === true
      ? new Map()
      : `${plural === "secrets" ? "secret" : "configmap"} "${name}" not found`;
  }
  const encoding = plural === "secrets" ? "base64" : "utf8";
  const data = new Map(Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, encoding)]));
  const items = wanted["items"] as readonly { key: string; path: string }[] | undefined;
  if (items === undefined) return data;
  const files = new Map<string, Uint8Array>();
  for (const { key, path } of items) {
    const bytes = data.get(key);
    if (bytes === undefined) return `references non-existent ${plural === "secrets" ? "secret" : "config"} key: ${key}`;
    files.set(path, bytes);
  }
  return files;
}

function modeOf(volume: Volume): number {
  const source = [volume["secret"], volume["configMap"], volume["projected"]].find(isFields);
  return typeof source?.["defaultMode"] === "number" ? source["defaultMode"] : 0o644;
}
