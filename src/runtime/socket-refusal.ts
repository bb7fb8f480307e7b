import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type Clock, systemClock } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import { SOCKET_ERRORS } from "./socket-errors.ts";

/*
 * HTTP answers that refuse an upgrade, written by the server and read by the one who dialled.
 */

/** The stream under an upgrade, to be passed through by those who may not know the runtime. */
export type RawSocket = Duplex;

const MAX_REFUSAL_BYTES = 16_384;

/** Keeps a broken line from ending the process while an upgrade is being decided. Call it first in an upgrade handler. */
export function guardUpgrade(rawSocket: RawSocket): void {
  rawSocket.on("error", () => rawSocket.destroy());
}

/** Answers an upgrade request with an HTTP status and a JSON body (`code`: a close name), and ends the connection. */
export function refuseUpgrade(
  rawSocket: RawSocket,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  guardUpgrade(rawSocket);
  const text = JSON.stringify(body);
  const all = {
    Connection: "close",
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(text)),
    Date: new Date(systemClock.now()).toUTCString(),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  rawSocket.once("finish", () => rawSocket.destroy());
  rawSocket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}\r\n${lines.join("")}\r\n${text}`);
}

/** What the server's answer in place of an upgrade says. */
export function dialRefused(
  address: string,
  response: IncomingMessage,
  body: string | undefined,
  clock: Clock,
): CodedError {
  const status = response.statusCode ?? 0;
  const { date } = response.headers;
  const refusal = refusalCode(body);
  const retryAfterSeconds = retryAfter(response.headers["retry-after"], date, clock);
  const says = refusal === undefined ? "" : ` (${refusal})`;
  return new CodedError(
    SOCKET_ERRORS.DialRefused,
    `Cannot connect to ${address}: the server answered ${status}${says}`,
    {
      facts: {
        status,
        ...(refusal === undefined ? {} : { refusal }),
        ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
        ...(date === undefined ? {} : { date }),
      },
    },
  );
}

function refusalCode(body: string | undefined): string | undefined {
  try {
    const parsed: unknown = JSON.parse(body ?? "");
    if (typeof parsed !== "object" || parsed === null || !("code" in parsed)) return undefined;
    return typeof parsed.code === "string" ? parsed.code.slice(0, 64) : undefined;
  } catch {
    return undefined;
  }
}

/** Retry-After is a number of seconds or a date (RFC 9110 §10.2.3), which is compared with the server's own clock. */
function retryAfter(value: string | undefined, date: string | undefined, clock: Clock): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  // Date.parse takes "-1" for a year.
  const until = /[a-z]/i.test(value) ? Date.parse(value) : Number.NaN;
  const now = date === undefined ? clock.now() : Date.parse(date);
  return Number.isFinite(until - now) ? Math.max(0, Math.ceil((until - now) / 1000)) : undefined;
}

/** Reads the answer's body, or the part of it that came; undefined when it is too long to be one of ours. */
export function readRefusal(response: IncomingMessage, done: (text: string | undefined) => void): void {
  const parts: Uint8Array[] = [];
  let length = 0;
  let finished = false;
  const finish = (): void => {
    if (finished) return;
    finished = true;
    done(length > MAX_REFUSAL_BYTES ? undefined : Buffer.concat(parts).toString());
  };
  response.on("data", (part: Uint8Array) => {
    length += part.length;
    if (length > MAX_REFUSAL_BYTES) return finish();
    parts.push(part);
  });
  response.on("end", finish);
  response.on("error", finish);
  response.on("close", finish);
}
