import { isIP } from "node:net";
import { connect } from "node:tls";
import type { Clock } from "../base/clock.ts";
import { errorCode } from "../base/errors.ts";

const LIMIT_MS = 3_000;

/**
 * True when TLS is spoken at a URL's host and port. For advice only: the certificate isn't looked at, and not a byte is sent after the
 * greeting. Never throws.
 */
export function speaksTls(url: URL, clock: Clock): Promise<boolean> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || 80);
  return new Promise((resolve) => {
    const socket = connect({ host, port, servername: isIP(host) === 0 ? host : "", rejectUnauthorized: false });
    const answer = (speaks: boolean): void => {
      cancelLimit();
      socket.destroy();
      resolve(speaks);
    };
    const cancelLimit = clock.schedule(LIMIT_MS, () => answer(false));
    socket.on("secureConnect", () => answer(true));
    // An alert is TLS too: of a server that wants a client's certificate, or a newer version.
    socket.on("error", (error) => answer(/_ALERT_/.test(errorCode(error) ?? "")));
    socket.on("close", () => answer(false));
  });
}
