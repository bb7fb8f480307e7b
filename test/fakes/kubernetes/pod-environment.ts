import type { Container } from "../../../src/kubernetes/objects.ts";
import { fieldAt, isFields, type Stored } from "./kinds.ts";
import type { ObjectStore } from "./object-store.ts";
import type { TranslatePaths } from "./pod-paths.ts";

/** Variables of a container, or the message of a CreateContainerConfigError. */
export type ContainerEnvironment = { readonly env: Readonly<Record<string, string>> } | { readonly failed: string };

/** Value of a field of a pod, as `fieldRef` has it. */
export function fieldOfPod(pod: Stored, path: string): string {
  const [, map, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? [];
  if (key !== undefined) return (map === "labels" ? pod.metadata.labels : pod.metadata.annotations)?.[key] ?? "";
  return fieldAt(pod, path);
}

/** A container's variables: envFrom, then env, with `$(NAME)` of earlier ones put in. */
export function containerEnvironment(
  store: ObjectStore,
  pod: Stored,
  container: Container,
  translate: TranslatePaths,
): ContainerEnvironment {
  const env: Record<string, string> = {};
  for (const source of (container.envFrom ?? []) as readonly {
    secretRef?: Reference;
    configMapRef?: Reference;
    prefix?: string;
  }[]) {
    const found = dataOf(
      store,
      pod,
      source.secretRef === undefined ? "configmaps" : "secrets",
      source.secretRef ?? source.configMapRef,
    );
    if (typeof found === "string") return { failed: found };
    for (const [key, value] of Object.entries(found)) env[`${source.prefix ?? ""}${key}`] = value;
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    const { configMapKeyRef, fieldRef, secretKeyRef } = valueFrom ?? {};
    const reference = secretKeyRef ?? configMapKeyRef;
    if (reference !== undefined) {
      const found = dataOf(store, pod, secretKeyRef === undefined ? "configmaps" : "secrets", reference);
      if (typeof found === "string") return { failed: found };
      const text = found[reference.key];
      if (text !== undefined) env[name] = text;
      else if (reference.optional !== true) {
        const kind = secretKeyRef === undefined ? "ConfigMap" : "Secret";
        return { failed: `couldn't find key ${reference.key} in ${kind} ${pod.metadata.namespace}/${reference.name}` };
      }
    } else {
      env[name] = fieldRef === undefined ? translate(expand(value ?? "", env)) : fieldOfPod(pod, fieldRef.fieldPath);
    }
  }
  return { env };
}

/** Puts `$(NAME)` in, as the kubelet does in env values, commands and arguments; `$$(NAME)` stays `$(NAME)`. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([\w.-]+)\)/g, (whole, name: string | undefined) => {
    return name === undefined ? "$" : (env[name] ?? whole);
  });
}

interface Reference {
  readonly name: string;
  readonly optional?: boolean;
}

function dataOf(
  store: ObjectStore,
  pod: Stored,
  plural: "secrets" | "configmaps",
  reference: Reference | undefined,
): Readonly<Record<string, string>> | string {
  const name = reference?.name ?? "";
  const object: unknown = store.get(plural, pod.metadata.namespace, name);
  if (!isFields(object))
    return reference?.optional === true ? {} : `${plural === "secrets" ? "secret" : "configmap"} "${name}" not found`;
  const encoding = plural === "secrets" ? "base64" : "utf8";
  const data = isFields(object["data"]) ? object["data"] : {};
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(String(value), encoding).toString()]),
  );
}
