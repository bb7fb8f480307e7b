import type { Clock } from "../base/clock.ts";
import type { Sensitive } from "../base/sensitive.ts";
import { LIMITS } from "../protocol/limits.ts";
import { RUNNER_ID_HEADER, RUNNER_PATH, SUBPROTOCOL } from "../protocol/version.ts";
import { dial } from "../runtime/dial.ts";
import type { ProxyAddress } from "../runtime/proxy-address.ts";
import type { Socket } from "../runtime/socket.ts";
import { type Ending, endingByDial, endingByToken } from "./retry.ts";
import type { TokenReader } from "./token-reader.ts";

/** What a dial needs. */
export interface DialGatewayOptions {
  /** Address of the gateway, `wss://…` or `ws://…`; asked for at each dial. The path of the protocol is added unless it is there. */
  readonly url: string | (() => string);
  /** Asked for at each dial, so that a token renewed on disk is used without a restart. */
  readonly token: () => Promise<Sensitive>;
  readonly runner: { readonly runnerId: string };
  readonly clock: Clock;
  /**
   * Whose certificates are trusted, in PEM; asked for at each dial, so that a renewed authority is used without a restart. Undefined:
   * what is trusted by everybody.
   */
  readonly caCertificates?: () => Promise<readonly string[] | undefined>;
  /** The way out, where there is no other. */
  readonly proxy?: ProxyAddress;
}

const CONNECT_LIMIT_MS = 10_000;

/** One dial with a token read for it: the open socket, or why there is none. Never throws. */
export async function dialGateway(
  options: Omit<DialGatewayOptions, "token">,
  token: TokenReader,
  signal: AbortSignal,
): Promise<{ readonly socket: Socket } | { readonly ending: Ending }> {
  const { url, runner, clock, proxy } = options;
  let value: Sensitive;
  try {
    value = await token.use();
  } catch (error) {
    return { ending: endingByToken(error) };
  }
  try {
    const caCertificates = await options.caCertificates?.();
    const socket = await dial({
      url: withRunnerPath(typeof url === "function" ? url() : url),
      headers: { Authorization: `Bearer ${value.reveal()}`, [RUNNER_ID_HEADER]: runner.runnerId },
      subprotocol: SUBPROTOCOL,
      connectTimeoutMs: CONNECT_LIMIT_MS,
      maxPayloadBytes: LIMITS.maxFrameBytes,
      signal,
      clock,
      ...(caCertificates === undefined ? {} : { caCertificates }),
      ...(proxy === undefined ? {} : { proxy }),
    });
    return { socket };
  } catch (error) {
    return { ending: endingByDial(error, clock) };
  }
}

/** Adds the path that runners dial, and keeps what stands before it (a reverse proxy's prefix). */
export function withRunnerPath(address: string): string {
  const url = URL.parse(address);
  if (url === null || url.pathname.endsWith(RUNNER_PATH)) return address;
  url.pathname = `${url.pathname.replace(/\/+$/, "")}${RUNNER_PATH}`;
  return url.href;
}
