import { isIP } from "node:net";
import { Sensitive } from "../base/sensitive.ts";

/** An HTTP proxy and how it is reached. */
export interface ProxyAddress {
  /** `host:port`, for messages: without user and password. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** True: TLS is spoken with the proxy itself. */
  readonly secure: boolean;
  /** `user:password`, where the address has them. */
  readonly credentials?: Sensitive;
}

/**
 * Reads a proxy's address: `http://` or `https://` and perhaps `user:password@` before `host[:port]`; without a scheme `http://` is
 * meant, as everywhere. It is no URL that is read: passwords are pasted as they are, and a bare `%`, `#`, `/` or `@` in one is taken for
 * itself, while `%40` is still an `@`.
 * @throws Error whose message completes "must be …" and holds no part of the address
 */
export function readProxy(text: string): ProxyAddress {
  const [, scheme = "http", rest = ""] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text.trim()) ?? [];
  const protocol = scheme.toLowerCase();
  if (protocol.startsWith("socks")) throw new Error("the address of an HTTP proxy: SOCKS isn't spoken here");
  const wrong = new Error("the address of an HTTP proxy, such as http://proxy.example.com:3128");
  if (protocol !== "http" && protocol !== "https") throw wrong;
  const [, user, place = ""] = /^(?:(.*)@)?([^@]*)$/s.exec(rest) ?? [];
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:/?#\s]+))(?::(\d{1,5}))?(?:[/?#].*)?$/s.exec(place) ?? [];
  const host = bracketed ?? plain ?? "";
  const port = digits === undefined ? (protocol === "https" ? 443 : 80) : Number(digits);
  const isHost = bracketed === undefined ? /^[a-z0-9._-]+$/i.test(host) : isIP(host) === 6;
  if (!isHost || port < 1 || port > 65_535) throw wrong;
  const credentials = user === undefined || user === "" ? {} : { credentials: new Sensitive(credentialsOf(user)) };
  const name = `${bracketed === undefined ? host : `[${host}]`}:${port}`;
  return { name, host, port, secure: protocol === "https", ...credentials };
}

/** A colon ends the user, so that it can only be in the password. */
function credentialsOf(text: string): string {
  const colon = text.indexOf(":");
  const [user, password] = colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
  return `${decode(user)}:${decode(password)}`;
}

function decode(text: string): string {
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded;
    }
  });
}
