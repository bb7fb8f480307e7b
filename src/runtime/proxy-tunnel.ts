import http from "node:http";
import https from "node:https";
import net from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { CodedError, errorCode } from "../base/errors.ts";
import { SOCKET_ERRORS } from "./socket-errors.ts";

/** A proxy's answer to CONNECT is never longer. */
const MAX_HEAD_BYTES = 16_384;

/** An agent whose connections lead through a proxy: it is asked to CONNECT, and TLS is spoken with the server behind it. */
export function tunnelAgent(proxy: URL, protocol: string, options: https.AgentOptions): http.Agent {
  const open = (target: tls.ConnectionOptions, done: (error: Error | null, socket?: Duplex) => void): void => {
    const host = target.host ?? "";
    openTunnel(proxy, `${host.includes(":") ? `[${host}]` : host}:${target.port ?? 443}`).then(
      (socket) => done(null, protocol === "http:" ? socket : speakTls(socket, target)),
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
function openTunnel(proxy: URL, target: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = dialProxy(proxy);
    let head = Buffer.alloc(0);
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    const refuse = (state: string): void => {
      const message = `Cannot reach ${target} through the proxy ${proxy.host}: ${state}`;
      const advice = "Check the proxy's address, user and password, or list the server in NO_PROXY";
      fail(new CodedError(SOCKET_ERRORS.DialFailed, message, { facts: { failure: "proxy" }, advice }));
    };
    const onData = (bytes: Buffer): void => {
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0 && head.length > MAX_HEAD_BYTES) refuse("its answer is not HTTP");
      if (end < 0) return;
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(head.subarray(0, end).toString("latin1"))?.[1] ?? "no HTTP status";
      if (!status.startsWith("2")) {
        refuse(`it answers ${status}`);
        return;
      }
      socket.off("data", onData);
      socket.off("error", onError);
      socket.off("close", onClose);
      socket.pause();
      if (head.length > end + 4) socket.unshift(head.subarray(end + 4));
      resolve(socket);
    };
    const onError = (error: Error): void => refuse(`it can't be reached (${errorCode(error) ?? error.message})`);
    const onClose = (): void => refuse("it cut the connection");
    socket.on("data", onData);
    socket.on("error", onError);
    socket.on("close", onClose);
    socket.write(connectHead(proxy, target));
  });
}

function dialProxy(proxy: URL): net.Socket {
  const host = proxy.hostname.replace(/^\[|\]$/g, "");
  if (proxy.protocol === "https:") {
    return tls.connect({
      host,
      port: Number(proxy.port || 443),
      ...(net.isIP(host) === 0 ? { servername: host } : {}),
    });
  }
  return net.connect({ host, port: Number(proxy.port || 80) });
}

function connectHead(proxy: URL, target: string): string {
  const lines = [`CONNECT ${target} HTTP/1.1`, `Host: ${target}`];
  if (proxy.username !== "") {
    const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
    lines.push(`Proxy-Authorization: Basic ${Buffer.from(user).toString("base64")}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}
