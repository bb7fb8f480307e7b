import { CodedError, errorCode } from "../base/errors.ts";
import { yamlMistake } from "../base/yaml-mistake.ts";
import { readTextIfExists } from "../runtime/files.ts";
import { KUBERNETES_ERRORS } from "./errors.ts";
import { Field } from "./kubeconfig-field.ts";

/** What several kubeconfig files say together. */
export interface Kubeconfig {
  readonly currentContext?: string;
  readonly contexts: ReadonlyMap<string, Field>;
  readonly clusters: ReadonlyMap<string, Field>;
  readonly users: ReadonlyMap<string, Field>;
  /** The files that were there. */
  readonly files: readonly string[];
}

/**
 * Reads kubeconfig files as kubectl does: of entries with the same name the first counts, and so does the first current context; a missing
 * file is left aside. Fields that aren't known are ignored.
 * @throws CodedError KubeconfigUnusable
 */
export async function readKubeconfig(paths: readonly string[]): Promise<Kubeconfig> {
  const found = {
    contexts: new Map<string, Field>(),
    clusters: new Map<string, Field>(),
    users: new Map<string, Field>(),
  };
  const files: string[] = [];
  let currentContext: string | undefined;
  for (const path of paths) {
    const text = await readFile(path);
    if (text === undefined) continue;
    files.push(path);
    if (text.trim() === "") continue;
    const root = new Field(path, "", await parse(path, text));
    collect(root, "contexts", "context", found.contexts);
    collect(root, "clusters", "cluster", found.clusters);
    collect(root, "users", "user", found.users);
    currentContext ??= root.text("current-context");
  }
  return { ...found, files, ...(currentContext === undefined ? {} : { currentContext }) };
}

async function readFile(path: string): Promise<string | undefined> {
  try {
    return await readTextIfExists(path);
  } catch (cause) {
    throw unusable(path, `it can't be read (${errorCode(cause) ?? "unknown"})`);
  }
}

/** The parser's own message is dropped: it quotes lines of the file, and the file may hold a token. Loaded when needed: a pod has no kubeconfig. */
async function parse(path: string, text: string): Promise<unknown> {
  const { LineCounter, parseDocument } = await import("yaml");
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw unusable(path, `it is not YAML: ${yamlMistake(problem.code, lineCounter.linePos(problem.pos[0]))}`);
  }
  return document.toJS({ maxAliasCount: 100 });
}

function collect(root: Field, list: string, inner: string, into: Map<string, Field>): void {
  for (const entry of root.list(list)) {
    const name = entry.required("name");
    if (!into.has(name)) into.set(name, entry.child(inner));
  }
}

function unusable(path: string, state: string): CodedError {
  return new CodedError(KUBERNETES_ERRORS.KubeconfigUnusable, `Cannot use the kubeconfig ${path}: ${state}`);
}
