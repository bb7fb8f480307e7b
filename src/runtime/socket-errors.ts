import { CodedError, defineErrors, describeError, type ErrorKind, errorCode } from "../base/errors.ts";

/** Error kinds of opening a WebSocket, from either end. */
export const SOCKET_ERRORS: {
  readonly DialRefused: ErrorKind<"DialRefused">;
  readonly DialTimedOut: ErrorKind<"DialTimedOut">;
  readonly DialFailed: ErrorKind<"DialFailed">;
  readonly AcceptFailed: ErrorKind<"AcceptFailed">;
} = defineErrors({
  DialRefused: { retryable: true, advice: "Check that the URL names a gateway and that the token is valid there" },
  DialTimedOut: {
    retryable: true,
    advice: "Check the address and that firewalls and proxies let WebSocket connections out",
  },
  DialFailed: { retryable: true, advice: "Check the address, the port and the network between here and the server" },
  AcceptFailed: { retryable: false, advice: "Check that the client speaks WebSocket with the expected sub-protocol" },
});

/** Why a dial failed before there was an HTTP answer; `facts.failure` of DialFailed. */
export type DialFailure =
  | "unknownHost"
  | "nothingListens"
  | "noRoute"
  | "cutOff"
  | "certificateExpired"
  | "certificateNotYetValid"
  | "certificateForOtherName"
  | "certificateUnknown"
  | "notTls"
  | "isTls"
  | "other";

interface Words {
  readonly says: string;
  readonly advice?: string;
}

const WORDS: Readonly<Record<DialFailure, Words>> = {
  unknownHost: {
    says: "the host name is not known",
    advice: "Check the host name and this machine's DNS; where the way out is a proxy, set HTTPS_PROXY",
  },
  nothingListens: { says: "nothing listens there", advice: "Start the server, or correct host and port" },
  noRoute: {
    says: "the host can't be reached",
    advice: "Check routes and firewalls; where the way out is a proxy, set HTTPS_PROXY",
  },
  cutOff: { says: "the connection was cut before an answer came" },
  certificateExpired: {
    says: "the server's certificate has expired",
    advice: "Renew the server's certificate, or correct this machine's clock",
  },
  certificateNotYetValid: {
    says: "the server's certificate is not valid yet",
    advice: "Correct this machine's clock",
  },
  certificateForOtherName: {
    says: "the server's certificate is for another name",
    advice: "Use the name in the certificate, or have one made for this name",
  },
  certificateUnknown: {
    says: "the server's certificate was issued by an authority that is not trusted here",
    advice: "Let SERVER_EXTRA_CA_FILE name the authority's certificate, or add it to this system's store",
  },
  notTls: {
    says: "the server doesn't speak TLS on this port",
    advice: "Check the port, or whether the address must begin with ws://",
  },
  isTls: {
    says: "the server speaks TLS on this port",
    advice: "Write wss:// in place of ws://, or take the port that is without TLS",
  },
  other: { says: "the connection could not be opened" },
};

/** Codes of Node and OpenSSL first; the patterns serve Deno, which tells TLS failures in words only. */
const SIGNS: readonly (readonly [DialFailure, RegExp])[] = [
  ["unknownHost", /ENOTFOUND|EAI_AGAIN|EAI_NODATA|EAI_NONAME|failed to lookup/i],
  ["certificateExpired", /CERT_HAS_EXPIRED|certificate.*\bexpired\b|CertExpired/i],
  ["certificateNotYetValid", /CERT_NOT_YET_VALID|NotValidYet|not valid yet/i],
  ["certificateForOtherName", /ALTNAME_INVALID|NotValidForName|not valid for name/i],
  ["certificateUnknown", /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_UNTRUSTED|UnknownIssuer|CaUsedAsEndEntity/i],
  ["notTls", /wrong.version.number|packet.length.too.long|InvalidContentType|corrupt message/i],
  ["nothingListens", /ECONNREFUSED/],
  ["noRoute", /EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EADDRNOTAVAIL/],
  ["cutOff", /ECONNRESET|EPIPE|socket hang up|ECONNABORTED/i],
];

/** What is wrong with a connection, as it ends a message, and the next step where there is one of its own. */
export function wordsFor(cause: unknown): Words {
  return WORDS[failureOf(cause)];
}

/** What a failed dial found, told in words with the next step; `address` names the place without its query. */
export function dialFailed(address: string, cause: unknown, failure: DialFailure = failureOf(cause)): CodedError {
  const { says, advice } = WORDS[failure];
  return new CodedError(SOCKET_ERRORS.DialFailed, `Cannot connect to ${address}: ${says}`, {
    cause,
    facts: { failure },
    ...(advice === undefined ? {} : { advice }),
  });
}

/** The address of a URL for messages: without query and user, which could hold credentials. */
export function addressOf(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? "an address that is no URL" : `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}

/** No answer in time. */
export function dialTimedOut(address: string, limitMs: number): CodedError {
  return new CodedError(SOCKET_ERRORS.DialTimedOut, `Cannot connect to ${address}: no answer within ${limitMs} ms`);
}

/** An upgrade that came to nothing. */
export function acceptFailed(cause: unknown): CodedError {
  return new CodedError(SOCKET_ERRORS.AcceptFailed, `Cannot accept a WebSocket: ${describeError(cause)}`, { cause });
}

/** The kind of a failed dial. */
export function failureOf(cause: unknown): DialFailure {
  const text = `${errorCode(cause) ?? ""} ${describeError(cause)}`;
  return SIGNS.find(([, pattern]) => pattern.test(text))?.[0] ?? "other";
}
