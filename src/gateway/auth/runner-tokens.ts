import { errors, type JWTPayload, jwtVerify, SignJWT } from "jose";
import type { Clock } from "../../base/clock.ts";
import { CodedError } from "../../base/errors.ts";
import { RUNNER_TOKEN_ISSUER } from "../../base/runner-token.ts";
import { Sensitive } from "../../base/sensitive.ts";
import { equalInConstantTime, sha256Hex } from "../../runtime/crypto.ts";
import type { RunnerIdentity } from "../sessions/sessions.ts";
import type { Store, TokenRecord } from "../store/store.ts";
import { AUTH_ERRORS } from "./errors.ts";
import type { TokenKeys } from "./keys.ts";

const ALGORITHM = "EdDSA";
/** How far clocks may be apart, in seconds. The documents tell it, because it lengthens the life of every token. */
const LEEWAY_SECONDS = 30;
/** A year: long enough for a runner that is looked after, and a forgotten token ends by itself. */
export const DEFAULT_LIFETIME_SECONDS: number = 365 * 86_400;
/** Ten years; whoever wants more says that it never ends. */
export const MAX_LIFETIME_SECONDS: number = 3650 * 86_400;
const MAX_TOKEN_LENGTH = 4096;

/** Why a runner's token is refused. */
export type TokenRefusal = "missing" | "malformed" | "expired" | "revoked" | "unknown" | "wrongRunner";

/** Who a checked token belongs to. */
export interface TokenHolder extends RunnerIdentity {
  readonly tokenId: string;
}

/** For whom and how long a token is good. */
export interface TokenWish {
  /** Absent: good for any runner id. */
  readonly runnerId?: string;
  /** Absent: a year. */
  readonly expiresInSeconds?: number | "never";
}

/** Issues a token: the text is given out once, the store keeps only its hash. */
export async function createRunnerToken(
  store: Store,
  keys: TokenKeys,
  wish: TokenWish,
  clock: Clock,
): Promise<{ readonly token: Sensitive; readonly record: TokenRecord }> {
  const now = clock.now();
  const tokenId = crypto.randomUUID();
  const issuedAt = Math.floor(now / 1000);
  const { expiresInSeconds = DEFAULT_LIFETIME_SECONDS } = wish;
  const expiry = expiresInSeconds === "never" ? undefined : issuedAt + expiresInSeconds;
  const unsigned = new SignJWT()
    .setProtectedHeader({ alg: ALGORITHM, typ: "JWT" })
    .setIssuer(RUNNER_TOKEN_ISSUER)
    .setSubject(wish.runnerId ?? "*")
    .setJti(tokenId)
    .setIssuedAt(issuedAt);
  if (expiry !== undefined) unsigned.setExpirationTime(expiry);
  const token = await unsigned.sign(keys.signing.reveal());
  const record: TokenRecord = {
    tokenId,
    sha256: sha256Hex(token),
    createdAt: now,
    ...(wish.runnerId === undefined ? {} : { runnerId: wish.runnerId }),
    ...(expiry === undefined ? {} : { expiresAt: expiry * 1000 }),
  };
  await store.addToken(record);
  return { token: new Sensitive(token), record };
}

/**
 * Checks a token that a runner shows: signed by this gateway, issued and not revoked here, in time, and good for this runner id.
 * @throws CodedError TokenRefused with the fact `reason` (a TokenRefusal); its message never holds the token
 */
export async function verifyRunnerToken(
  store: Store,
  keys: TokenKeys,
  token: string | undefined,
  runnerId: string,
  clock: Clock,
): Promise<TokenHolder> {
  if (token === undefined || token === "") throw refused("missing");
  if (token.length > MAX_TOKEN_LENGTH) throw refused("malformed");
  const claims = await checkSignature(keys, token, clock);
  const record = claims.jti === undefined ? undefined : await store.findToken(claims.jti);
  if (record === undefined || !equalInConstantTime(record.sha256, sha256Hex(token))) throw refused("unknown");
  const end = tokenEnd(record, clock.now());
  if (end !== undefined) throw refused(end);
  if (record.runnerId !== undefined && record.runnerId !== runnerId) throw refused("wrongRunner");
  const { tokenId, runnerId: tokenRunnerId } = record;
  return { runnerId, tokenId, ...(tokenRunnerId === undefined ? {} : { tokenRunnerId }) };
}

/** Why an issued token is no longer good, or undefined. */
export function tokenEnd(record: TokenRecord, now: number): "revoked" | "expired" | undefined {
  if (record.revokedAt !== undefined) return "revoked";
  const expired = record.expiresAt !== undefined && now > record.expiresAt + LEEWAY_SECONDS * 1000;
  return expired ? "expired" : undefined;
}

async function checkSignature(keys: TokenKeys, token: string, clock: Clock): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys.checking, {
      algorithms: [ALGORITHM],
      issuer: RUNNER_TOKEN_ISSUER,
      requiredClaims: ["sub", "jti", "iat"],
      clockTolerance: LEEWAY_SECONDS,
      currentDate: new Date(clock.now()),
    });
    return payload;
  } catch (error) {
    // Not kept as cause: a library's error may carry claims of the token.
    throw refused(refusalOf(error));
  }
}

function refusalOf(error: unknown): TokenRefusal {
  if (error instanceof errors.JWTExpired) return "expired";
  const foreign =
    error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWTClaimValidationFailed;
  return foreign ? "unknown" : "malformed";
}

const STATES: Readonly<Record<TokenRefusal, string>> = {
  missing: "no bearer token was sent",
  malformed: "it is not a token of the expected form",
  expired: "it has expired",
  revoked: "it was revoked",
  unknown: "this gateway has not issued it",
  wrongRunner: "it belongs to another runner id",
};

function refused(reason: TokenRefusal): CodedError {
  return new CodedError(AUTH_ERRORS.TokenRefused, `Cannot accept the runner's token: ${STATES[reason]}`, {
    facts: { reason },
  });
}
