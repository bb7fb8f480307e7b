/** Versions of the wire protocol this program speaks, newest first (docs/protocol.md, "Versions"). */
export const PROTOCOL_VERSIONS: readonly number[] = [2, 1];

/** The version that brought `welcome.serverVersion`. A runner of an older one refuses a frame with a field it doesn't know. */
export const SERVER_VERSION_SINCE = 2;

/** The version that brought the `category` of a refusal. A gateway of an older one refuses a verdict with a field it doesn't know. */
export const REFUSAL_CATEGORY_SINCE = 2;

/** WebSocket sub-protocol name (RFC 6455 §1.9); another one only if envelope or handshake change. */
export const SUBPROTOCOL = "hybrid-runner.v1";

/** The path runners dial; a prefix in front of it (a reverse proxy's) is kept. */
export const RUNNER_PATH = "/v1/runners";

/** Upgrade request header that carries the runner id. */
export const RUNNER_ID_HEADER = "x-runner-id";

/** The newest version both sides speak, or undefined when there is none. */
export function negotiateVersion(offered: readonly number[]): number | undefined {
  return PROTOCOL_VERSIONS.find((version) => offered.includes(version));
}
