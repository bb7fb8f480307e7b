/** Who issues runner tokens: the claim `iss` of each. In this folder, because whoever resolves secrets refuses such tokens. */
export const RUNNER_TOKEN_ISSUER = "hybrid-runner-gateway";

/** True for a text that is, or says of itself that it is, the token of a runner. */
export function isRunnerToken(text: string): boolean {
  const [, payload, signature, ...more] = text
    .trim()
    .replace(/^Bearer\s+/i, "")
    .split(".");
  if (payload === undefined || signature === undefined || more.length > 0) return false;
  try {
    const bytes = Uint8Array.fromBase64(payload, { alphabet: "base64url" });
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" && claims !== null && "iss" in claims && claims.iss === RUNNER_TOKEN_ISSUER;
  } catch {
    return false;
  }
}
