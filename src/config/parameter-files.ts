import { isMap, isNode } from "yaml";
import { readNamedFile } from "../runtime/named-file.ts";
import { containerMistakes, type ParameterMistake, podMistakes } from "./pod-parameters.ts";
import type { Settings } from "./settings.ts";
import { readYaml } from "./yaml-text.ts";

/** Changes to ingestion pods, as the two parameter files have them. */
export interface PodParameters {
  /** For container `main`. */
  readonly container?: Readonly<Record<string, unknown>>;
  /** For the pod's specification. */
  readonly podSpec?: Readonly<Record<string, unknown>>;
}

/** The contents of a file, or all that is wrong with it, each with the variable's name, line and column. */
type FileReading =
  | { readonly value: Readonly<Record<string, unknown>>; readonly problems?: never }
  | { readonly problems: readonly string[] };

/**
 * Reads the custom container file and the custom workflow file, where the settings name them. `names` are the names that the
 * two settings were found under.
 */
export async function readPodParameters(
  settings: Pick<Settings, "containerSpecFilePath" | "workflowSpecFilePath">,
  names: { readonly containerSpecFilePath: string; readonly workflowSpecFilePath: string },
): Promise<{ readonly parameters: PodParameters; readonly problems: readonly string[] }> {
  const { containerSpecFilePath, workflowSpecFilePath } = settings;
  const [container, podSpec] = await Promise.all([
    readParameterFile(containerSpecFilePath, names.containerSpecFilePath, containerMistakes),
    readParameterFile(workflowSpecFilePath, names.workflowSpecFilePath, podMistakes),
  ]);
  return {
    parameters: {
      ...(container !== undefined && "value" in container ? { container: container.value } : {}),
      ...(podSpec !== undefined && "value" in podSpec ? { podSpec: podSpec.value } : {}),
    },
    problems: [...(container?.problems ?? []), ...(podSpec?.problems ?? [])],
  };
}

async function readParameterFile(
  path: string | undefined,
  name: string,
  mistakesOf: (value: unknown) => readonly ParameterMistake[],
): Promise<FileReading | undefined> {
  if (path === undefined) return undefined;
  const { text, state } = await readNamedFile(path);
  if (text === undefined) return { problems: [`${name} must be a file that can be read: ${path} ${state}`] };
  const { value, mistakes } = readParameters(text, mistakesOf);
  if (mistakes.length === 0) return { value };
  return { problems: mistakes.map((mistake) => `${name} has a mistake in ${path}, ${mistake}`) };
}

/** Parses and checks a parameter file's text. Mistakes begin with `line L, column C: `; an empty file changes nothing. */
export function readParameters(
  text: string,
  mistakesOf: (value: unknown) => readonly ParameterMistake[],
): { readonly value: Readonly<Record<string, unknown>>; readonly mistakes: readonly string[] } {
  const { contents, at, value, mistakes: broken } = readYaml(text);
  if (broken.length > 0) return { value: {}, mistakes: broken };
  const mistakes = mistakesOf(value ?? {}).map(({ path, message }) => {
    const where = at(offsetOf(contents, path));
    return path.length === 0 ? `${where}: it ${message}` : `${where}: ${path.join(".")} ${message}`;
  });
  return { value: mistakes.length === 0 ? ((value ?? {}) as Readonly<Record<string, unknown>>) : {}, mistakes };
}

/** Where a path's last key or item begins in the text; of what can't be found, the last part that can. */
function offsetOf(contents: unknown, path: readonly (string | number)[]): number {
  let node: unknown = contents;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    const pair = isMap(node) ? node.items.find(({ key }) => isNode(key) && String(key) === String(step)) : undefined;
    const next = pair?.value ?? itemOf(node, step);
    offset = startOf(pair?.key) ?? startOf(next) ?? offset;
    node = next;
  }
  return offset;
}

function itemOf(node: unknown, step: string | number): unknown {
  if (typeof node !== "object" || node === null || !("items" in node) || !Array.isArray(node.items)) return undefined;
  return typeof step === "number" ? (node.items[step] as unknown) : undefined;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
