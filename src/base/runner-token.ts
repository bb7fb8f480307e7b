/** Who issues runner tokens: the claim `iss` of each. In this folder, because whoever resolves secrets refuses such tokens. */
export const RUNNER_TOKEN_ISSUER = "hybrid-runner-gateway";

/** A token's three parts, the second long enough for its issuer; nowhere but where a word begins, so that a long text is gone through once. */
const TOKEN = /(?<![\w-])[\w-]+\.([\w-]{40,})\.[\w-]+/g;
/** Base64 of either alphabet that is long enough to hold one. */
const ENCODED = /[A-Za-z0-9+/_-]{40,}/g;

/**
 * True for a text in which the token of a runner stands, or what says of itself that it is one: alone, behind `Bearer`, in JSON or any
 * other text, and the same in base64, as `user:token` is for a header.
 */
export function holdsRunnerToken(text: string): boolean {
  return standsIn(text) || [...text.matchAll(ENCODED)].some(([encoded]) => standsIn(decoded(encoded)));
}

function standsIn(text: string): boolean {
  return [...text.matchAll(TOKEN)].some(([, payload = ""]) => {
    try {
      const claims: unknown = JSON.parse(decoded(payload));
      return typeof claims === "object" && claims !== null && "iss" in claims && claims.iss === RUNNER_TOKEN_ISSUER;
    } catch {
      return false;
    }
  });
}

/** What isn't base64 decodes to nothing. */
function decoded(base64: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(base64.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return "";
  }
}
