import { exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import { CodedError } from "../../base/errors.ts";
import { Sensitive } from "../../base/sensitive.ts";
import { joinPath } from "../../runtime/files.ts";
import { AUTH_ERRORS } from "./errors.ts";
import { readOrMakeSecretFile } from "./secret-file.ts";

/** Name of the key file in the gateway's data directory. */
export const TOKEN_KEY_FILE = "runner-token-key.json";

/** The pair of keys (Ed25519) that runner tokens are signed and checked with. */
export interface TokenKeys {
  readonly signing: Sensitive<CryptoKey>;
  readonly checking: CryptoKey;
}

/**
 * The gateway's keys for runner tokens: a JSON Web Key in a file of mode 0600, made at first use.
 * @throws CodedError KeyFileUnusable
 */
export async function openTokenKeys(dataDirectory: string): Promise<TokenKeys> {
  const path = joinPath(dataDirectory, TOKEN_KEY_FILE);
  const text = await readOrMakeSecretFile(path, makeKey);
  try {
    const { d, ...open } = JSON.parse(text) as JWK;
    if (d === undefined || open.crv !== "Ed25519") throw new Error("no private Ed25519 key inside");
    return {
      signing: new Sensitive(await importKey({ ...open, d })),
      checking: await importKey(open),
    };
  } catch (cause) {
    throw new CodedError(AUTH_ERRORS.KeyFileUnusable, `Cannot use ${path}: it holds no private Ed25519 key`, {
      // A parser's message may repeat a piece of the key, so only the kind of failure is kept.
      cause: cause instanceof Error ? cause.name : undefined,
    });
  }
}

async function makeKey(): Promise<string> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  return `${JSON.stringify(await exportJWK(privateKey))}\n`;
}

async function importKey(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, "EdDSA");
  if (key instanceof Uint8Array) throw new Error("a symmetric key");
  return key;
}
