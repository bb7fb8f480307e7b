import { type CodedError, errorCode } from "../../base/errors.ts";
import { Sensitive } from "../../base/sensitive.ts";
import { joinPath } from "../../runtime/files.ts";
import { pathKind, readRegularFile, realPathBelow } from "../../runtime/regular-file.ts";
import type { SecretProvider } from "../provider.ts";
import { MAX_SECRET_BYTES, readFailed } from "../provider-errors.ts";
import { showReference } from "../reference.ts";
import { createSecretsDocument } from "../secrets-document.ts";
import type { FileSecretsSettings } from "../settings.ts";

const WHOLE_NAME = { advice: "Name a file in that directory, with one part more in the reference" };
const NO_STORE = {
  advice: "Make the directory or file, or correct SECRETS_DIRECTORY, SECRETS_FILE or --secrets-path",
};
const NO_PIPE = { advice: "Put the secret into a file: it is read for each run, which a pipe can't be" };
const MAX_DOCUMENT_BYTES = 16 * 1_048_576;

/**
 * Secrets in files. A directory has one file a secret, its name being the path below the directory; links are followed as
 * long as they stay inside (so a mounted Kubernetes Secret works), and one newline at the end, `\n` or `\r\n`, is not part
 * of the value. A file is a JSON or YAML mapping, see secrets-document.ts. Everything is read anew each time.
 */
export async function openFileProvider(settings: FileSecretsSettings): Promise<SecretProvider> {
  const root = settings.path;
  const document = createSecretsDocument();

  const readBelow = async (secretName: string): Promise<string> => {
    const bare = bareName(secretName);
    if (!isPlainPath(bare))
      throw readFailed("SecretNotFound", secretName, "file", `no file can have the name ${showReference(bare)}`);
    // A mounted volume may be swapped between the two steps; then the name is looked up again.
    for (let attempt = 0; attempt < 3; attempt++) {
      const real = await realPathBelow(root, joinPath(root, bare));
      if (real === "missing") break;
      if (real === "outside")
        throw readFailed("SecretDenied", secretName, "file", `${showReference(bare)} leads out of ${root}`);
      const bytes = await readRegularFile(real.path, MAX_SECRET_BYTES + 3);
      if (bytes !== undefined) return withoutLastNewline(decode(bytes, secretName, bare), secretName, bare);
      const kind = await pathKind(real.path);
      // Not found, so that a reading of the reference with a key in it is still tried.
      if (kind === "directory") {
        const state = `${showReference(bare)} is a directory in ${root}, and no file`;
        throw readFailed("SecretNotFound", secretName, "file", state, WHOLE_NAME);
      }
      if (kind === "other")
        throw readFailed(
          "SecretMalformed",
          secretName,
          "file",
          `${showReference(bare)} is a pipe or a device`,
          NO_PIPE,
        );
    }
    throw readFailed("SecretNotFound", secretName, "file", `there is no file ${showReference(bare)} in ${root}`);
  };

  const readInside = async (secretName: string): Promise<string> => {
    const bytes = await readRegularFile(root, MAX_DOCUMENT_BYTES + 1);
    if (bytes === undefined) throw readFailed("SecretUnreachable", secretName, "file", `${root} has gone`);
    if (bytes.length > MAX_DOCUMENT_BYTES) {
      throw readFailed("SecretMalformed", secretName, "file", `${root} is larger than ${MAX_DOCUMENT_BYTES} bytes`);
    }
    const found = document.find(decode(bytes, secretName, undefined), secretName);
    if (found.kind === "broken") throw readFailed("SecretMalformed", secretName, "file", `${root} ${found.state}`);
    if (found.kind === "missing")
      throw readFailed(
        "SecretNotFound",
        secretName,
        "file",
        `${root} has no entry ${showReference(bareName(secretName))}`,
      );
    return checkSize(found.text, secretName, secretName);
  };

  /** `file` is the secret's own; without it the text is that of all secrets, and a byte order mark is none of it. */
  const decode = (bytes: Uint8Array, secretName: string, file: string | undefined): string => {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: file !== undefined }).decode(bytes);
    } catch {
      const what = file === undefined ? root : showReference(file);
      throw readFailed("SecretMalformed", secretName, "file", `${what} is not UTF-8 text`);
    }
  };

  return {
    name: "file",
    async read(secretName, signal) {
      signal.throwIfAborted();
      try {
        const kind = await pathKind(root);
        if (kind === "directory") return new Sensitive(await readBelow(secretName));
        if (kind === "file") return new Sensitive(await readInside(secretName));
        throw readFailed("SecretUnreachable", secretName, "file", whatIsMissing(root, kind), NO_STORE);
      } catch (error) {
        throw fromSystem(error, secretName);
      }
    },
    async check(signal) {
      signal.throwIfAborted();
      try {
        const kind = await pathKind(root);
        if (kind === "file") await readRegularFile(root, 1);
        else if (kind !== "directory")
          throw readFailed("SecretUnreachable", "", "file", whatIsMissing(root, kind), NO_STORE);
      } catch (error) {
        throw fromSystem(error, "");
      }
    },
    dispose: async () => document.forget(),
  };
}

function whatIsMissing(root: string, kind: "missing" | "other"): string {
  return kind === "missing" ? `there is no ${root}` : `${root} is neither a directory nor a file`;
}

/** A leading slash makes no other secret. */
function bareName(secretName: string): string {
  return secretName.replace(/^\//, "");
}

function isPlainPath(name: string): boolean {
  if (name === "" || name.includes("\0") || name.includes("\\")) return false;
  return name.split("/").every((segment) => segment !== "" && segment !== "." && segment !== "..");
}

function withoutLastNewline(text: string, secretName: string, place: string): string {
  return checkSize(text.replace(/\r?\n$/, ""), secretName, place);
}

function checkSize(text: string, secretName: string, place: string): string {
  if (text.length <= MAX_SECRET_BYTES && new TextEncoder().encode(text).length <= MAX_SECRET_BYTES) return text;
  throw readFailed(
    "SecretMalformed",
    secretName,
    "file",
    `${showReference(place)} is larger than ${MAX_SECRET_BYTES} bytes`,
  );
}

/** Only the system's code is kept: paths behind links and messages of lower layers are nobody's business. */
function fromSystem(error: unknown, secretName: string): CodedError | unknown {
  const code = errorCode(error);
  if (code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
  if (code === "EACCES" || code === "EPERM")
    return readFailed(
      "SecretDenied",
      secretName,
      "file",
      `the system answers ${code} for ${showReference(secretName)}`,
    );
  return readFailed("SecretUnreachable", secretName, "file", `the system answers ${code}`);
}
