import { CodedError, errorCode } from "../base/errors.ts";
import { absolutePath, directoryOf, joinPath, readTextIfExists } from "../runtime/files.ts";
import { KUBERNETES_ERRORS } from "./errors.ts";
import type { Field } from "./kubeconfig-field.ts";

/** A text in PEM that stands in a kubeconfig, or in a file that may be written anew at any time. */
export interface PemSource {
  readonly pem?: string;
  readonly file?: string;
  /** Which one it is, for messages. */
  readonly what: string;
}

/** `<name>-data` or the file `<name>` of a kubeconfig's entry; the data counts when there are both. @throws CodedError KubeconfigUnusable */
export function pemSource(entry: Field, name: string): PemSource | undefined {
  const data = entry.text(`${name}-data`);
  const what = `${entry.path}.${name} of ${entry.file}`;
  if (data !== undefined) return { pem: decodePem(entry.child(`${name}-data`), data), what };
  const file = entry.text(name);
  return file === undefined ? undefined : { file: besideKubeconfig(entry.file, file), what };
}

/** The text now. @throws CodedError KubeconfigUnusable */
export async function readPem(source: PemSource): Promise<string> {
  if (source.pem !== undefined) return source.pem;
  const text = await readCredentialFile(source.file ?? "", source.what);
  if (!text.includes("-----BEGIN ")) throw unusableFile(source.file ?? "", source.what, "is not PEM");
  return text;
}

/** A file that credentials are in. @throws CodedError KubeconfigUnusable */
export async function readCredentialFile(path: string, what: string): Promise<string> {
  let text: string | undefined;
  try {
    text = await readTextIfExists(path);
  } catch (cause) {
    throw unusableFile(path, what, `can't be read (${errorCode(cause) ?? "unknown"})`);
  }
  if (text === undefined) throw unusableFile(path, what, "is not there");
  if (text.trim() === "") throw unusableFile(path, what, "is empty");
  return text;
}

/** Relative paths of a kubeconfig begin at its own directory. */
export function besideKubeconfig(kubeconfig: string, path: string): string {
  return path.startsWith("/") ? path : absolutePath(joinPath(directoryOf(kubeconfig), path));
}

function decodePem(field: Field, data: string): string {
  let text: string;
  try {
    text = atob(data.replace(/\s+/g, ""));
  } catch {
    throw field.unusable("must be base64");
  }
  if (!text.includes("-----BEGIN ")) throw field.unusable("must be PEM in base64");
  return text;
}

function unusableFile(path: string, what: string, state: string): CodedError {
  return new CodedError(KUBERNETES_ERRORS.KubeconfigUnusable, `Cannot use ${what}: the file ${path} ${state}`);
}
