import {
  createCipheriv,
  createDecipheriv,
  createHash,
  randomBytes as nodeRandomBytes,
  timingSafeEqual,
} from "node:crypto";

/** Length of the key that `seal` and `open` need, in bytes (AES-256). */
export const SEAL_KEY_BYTES: number = 32;

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FORMAT = 1;

/** SHA-256 of a text (as UTF-8) or of bytes, as 64 lower-case hex digits. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** A SHA-256 that is fed piece by piece, for data that doesn't fit in memory. */
export interface RunningHash {
  update(data: string | Uint8Array): void;
  /** The hash so far as hex; more may be added afterwards. */
  hex(): string;
}

/** Starts a SHA-256 that is fed piece by piece. */
export function startSha256(): RunningHash {
  const hash = createHash("sha256");
  return {
    update: (data) => void hash.update(data),
    hex: () => hash.copy().digest("hex"),
  };
}

/** Bytes from the operating system's generator, fit for keys and tokens. */
export function randomBytes(length: number): Uint8Array {
  return new Uint8Array(nodeRandomBytes(length));
}

/** A random text of `bytes` bytes in base64url, fit for tokens. */
export function randomToken(bytes = 32): string {
  return nodeRandomBytes(bytes).toString("base64url");
}

/** True when both texts are equal; the time it takes doesn't tell where they differ. */
export function equalInConstantTime(left: string, right: string): boolean {
  // Hashing first makes the lengths equal, which timingSafeEqual asks for and an attacker may not learn.
  const hash = (text: string): Uint8Array => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(left), hash(right));
}

/**
 * Encrypts a text with AES-256-GCM under a fresh nonce. `context` names what the text belongs to (an id): it isn't stored,
 * and `open` fails under any other, so that a sealed text can't be moved to another row.
 * Layout: format (1 byte), nonce (12), tag (16), ciphertext.
 */
export function seal(key: Uint8Array, context: string, plain: string): Uint8Array {
  const nonce = nodeRandomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(new TextEncoder().encode(context));
  const body = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]);
  return new Uint8Array(Buffer.concat([Buffer.of(FORMAT), nonce, cipher.getAuthTag(), body]));
}

/** The text that `seal` encrypted, or undefined when key or context are others or the bytes were changed. */
export function open(key: Uint8Array, context: string, sealed: Uint8Array): string | undefined {
  if (sealed.length < 1 + NONCE_BYTES + TAG_BYTES || sealed[0] !== FORMAT) return undefined;
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
  const tag = sealed.subarray(1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(new TextEncoder().encode(context));
  decipher.setAuthTag(tag);
  try {
    const body = sealed.subarray(1 + NONCE_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}
