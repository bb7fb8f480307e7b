import type { TokenRecord } from "../store/store.ts";
import { inApi } from "./instants.ts";
import type { TokenView } from "./views.ts";

/** A token as people see it: without its hash, and with what has become of it. */
export function tokenView(token: TokenRecord, now: number): TokenView {
  const { sha256: _, runnerId, ...shown } = token;
  return { ...inApi(shown), runnerId: runnerId ?? "*", state: stateOf(token, now) };
}

function stateOf({ expiresAt, revokedAt }: TokenRecord, now: number): TokenView["state"] {
  if (revokedAt !== undefined) return "revoked";
  return expiresAt !== undefined && expiresAt <= now ? "expired" : "valid";
}
