import http from "node:http";
import https from "node:https";
import net from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import type { Clock } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import type { ProxyAddress } from "./proxy-address.ts";
import { type ProxyRefusal, readProxyAnswer } from "./proxy-refusal.ts";
import { SOCKET_ERRORS, wordsFor } from "./socket-errors.ts";
import { trusting } from "./trusted-certificates.ts";

/** A proxy's answer to CONNECT is never longer. */
const MAX_HEAD_BYTES = 16_384;

/** Whoever asks for a connection waits no longer; a proxy that stays silent must not hold a socket for ever. */
const TUNNEL_LIMIT_MS = 30_000;

/** An agent whose connections lead through a proxy: it is asked to CONNECT, and TLS is spoken with the server behind it. */
export function tunnelAgent(
  proxy: ProxyAddress,
  protocol: string,
  options: https.AgentOptions,
  clock: Clock,
): http.Agent {
  const open = (target: tls.ConnectionOptions, done: (error: Error | null, socket?: Duplex) => void): void => {
    const host = target.host ?? "";
    const port = target.port ?? (protocol === "http:" ? 80 : 443);
    openTunnel(proxy, `${host.includes(":") ? `[${host}]` : host}:${port}`, clock).then(
      // HTTP reads a socket that flows, and TLS by itself.
      (socket) => done(null, protocol === "http:" ? socket.resume() : speakTls(socket, target)),
      (error: Error) => done(error),
    );
  };
  const agent = protocol === "http:" ? new http.Agent(options) : new https.Agent(options);
  agent.createConnection = (target, done): undefined => {
    open({ ...options, ...(target as tls.ConnectionOptions) }, (error, socket) => {
      done?.(error, socket as Duplex);
    });
  };
  return agent;
}

function speakTls(socket: net.Socket, target: tls.ConnectionOptions): tls.TLSSocket {
  const { host = "" } = target;
  // A name for SNI must not be an address (RFC 6066); the certificate is checked against the address all the same.
  const servername = target.servername ?? (net.isIP(host) === 0 ? host : "");
  const {
    checkServerIdentity = (_name, certificate) => tls.checkServerIdentity(target.servername || host, certificate),
  } = target;
  return tls.connect({ ...target, socket, servername, checkServerIdentity });
}

/** A connection to `target` (`host:port`) through the proxy. */
function openTunnel(proxy: ProxyAddress, target: string, clock: Clock): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = dialProxy(proxy);
    let head = Buffer.alloc(0);
    const refuse = ({ says, advice }: ProxyRefusal, cause?: unknown): void => {
      cancelLimit();
      socket.destroy();
      const message = `Cannot reach ${target} through the proxy ${proxy.name}: ${says}`;
      reject(new CodedError(SOCKET_ERRORS.DialFailed, message, { cause, facts: { failure: "proxy" }, advice }));
    };
    const cancelLimit = clock.schedule(TUNNEL_LIMIT_MS, () => {
      refuse({ says: `no answer within ${TUNNEL_LIMIT_MS} ms`, advice: OTHER_WAY });
    });
    const onData = (bytes: Buffer): void => {
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0 && head.length > MAX_HEAD_BYTES) refuse({ says: "its answer is not HTTP", advice: OTHER_WAY });
      if (end < 0) return;
      const refusal = readProxyAnswer(head.subarray(0, end).toString("latin1"), proxy);
      if (refusal !== undefined) {
        refuse(refusal);
        return;
      }
      cancelLimit();
      socket.off("data", onData);
      socket.off("error", onError);
      socket.off("close", onClose);
      socket.pause();
      if (head.length > end + 4) socket.unshift(head.subarray(end + 4));
      resolve(socket);
    };
    const onError = (error: Error): void => {
      const { says, advice = OTHER_WAY } = wordsFor(error);
      refuse({ says: `with the proxy itself, ${says}`, advice }, error);
    };
    const onClose = (): void => refuse({ says: "it cut the connection", advice: OTHER_WAY });
    socket.on("data", onData);
    socket.on("error", onError);
    socket.on("close", onClose);
    socket.write(connectHead(proxy, target));
  });
}

const OTHER_WAY = "Check the proxy's address, or list the server in NO_PROXY where it can be reached without one";

function dialProxy({ host, port, secure }: ProxyAddress): net.Socket {
  if (!secure) return net.connect({ host, port });
  const servername = net.isIP(host) === 0 ? { servername: host } : {};
  return tls.connect({ host, port, ...servername, ...trusting(undefined), rejectUnauthorized: true });
}

function connectHead({ credentials }: ProxyAddress, target: string): string {
  const lines = [`CONNECT ${target} HTTP/1.1`, `Host: ${target}`];
  if (credentials !== undefined) {
    lines.push(`Proxy-Authorization: Basic ${Buffer.from(credentials.reveal()).toString("base64")}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}
