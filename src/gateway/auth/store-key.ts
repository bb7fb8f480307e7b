import { CodedError } from "../../base/errors.ts";
import { Sensitive } from "../../base/sensitive.ts";
import { randomBytes, SEAL_KEY_BYTES } from "../../runtime/crypto.ts";
import { AUTH_ERRORS } from "./errors.ts";
import { readOrMakeSecretFile } from "./secret-file.ts";

/**
 * The key of the store's encrypted columns: 64 hex digits in a file of mode 0600, made at first use.
 * @throws CodedError KeyFileUnusable
 */
export async function openStoreKey(path: string): Promise<Sensitive<Uint8Array>> {
  const text = (await readOrMakeSecretFile(path, () => `${toHex(randomBytes(SEAL_KEY_BYTES))}\n`)).trim();
  const pairs = text.match(/^[0-9a-f]+$/i) === null ? [] : (text.match(/../g) ?? []);
  if (pairs.length !== SEAL_KEY_BYTES || text.length !== 2 * SEAL_KEY_BYTES) {
    throw new CodedError(
      AUTH_ERRORS.KeyFileUnusable,
      `Cannot use ${path}: it holds no key of ${SEAL_KEY_BYTES} bytes in hex`,
    );
  }
  return new Sensitive(Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16)));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
