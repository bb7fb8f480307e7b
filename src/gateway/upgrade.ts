import type { Clock } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { CLOSE_CODES, type CloseName } from "../protocol/close-codes.ts";
import { LIMITS } from "../protocol/limits.ts";
import { RUNNER_ID_HEADER, RUNNER_PATH, SUBPROTOCOL } from "../protocol/version.ts";
import { type HttpRequest, peerAddress } from "../runtime/http.ts";
import { createSocketAcceptor, type RawSocket, refuseUpgrade } from "../runtime/socket.ts";
import { bearerToken } from "./auth/bearer.ts";
import type { FailureLimit } from "./auth/failure-limit.ts";
import type { TokenKeys } from "./auth/keys.ts";
import { type TokenHolder, verifyRunnerToken } from "./auth/runner-tokens.ts";
import type { RunnerSessions } from "./sessions/sessions.ts";
import type { Store } from "./store/store.ts";

/** What upgrades are decided with. */
export interface UpgradeOptions {
  readonly store: Store;
  readonly keys: TokenKeys;
  readonly sessions: Pick<RunnerSessions, "accept">;
  readonly failures: FailureLimit;
  readonly stopping: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
}

/** Decides about one request for an upgrade, and answers it in every case. */
export type UpgradeHandler = (request: HttpRequest, socket: RawSocket, head: Uint8Array) => void;

/** Why there is no session: a close name, so that a runner treats it like a close after the greeting. */
interface Refusal {
  readonly name: CloseName;
  readonly status: number;
  readonly message: string;
  readonly advice?: string;
  readonly retryAfterSeconds?: number;
}

const RUNNER_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Makes the door that runners come in by: path, sub-protocol, runner id and token are checked before there is a WebSocket. */
export function createUpgradeHandler(options: UpgradeOptions): UpgradeHandler {
  const acceptor = createSocketAcceptor({ subprotocol: SUBPROTOCOL, maxPayloadBytes: LIMITS.maxFrameBytes });
  const decide = async (request: HttpRequest, rawSocket: RawSocket, head: Uint8Array): Promise<void> => {
    const verdict = checkForm(request, options.stopping.aborted) ?? (await checkToken(request, options));
    if ("name" in verdict) return refuse(rawSocket, verdict, request, options.log);
    const socket = await acceptor.accept(request, rawSocket, head);
    options.sessions.accept(socket, { ...verdict, address: peerAddress(request) });
  };
  return (request, rawSocket, head) => {
    decide(request, rawSocket, head).catch((error: unknown) => {
      options.log.warn("An upgrade failed", { address: peerAddress(request), error: describeError(error) });
      if (!rawSocket.writableEnded) refuse(rawSocket, internal, request, options.log);
    });
  };
}

const internal: Refusal = { name: "internal", status: CLOSE_CODES.internal.httpStatus, message: "the gateway failed" };

function checkForm(request: HttpRequest, stopping: boolean): Refusal | undefined {
  if (stopping) {
    return { name: "goingAway", status: CLOSE_CODES.goingAway.httpStatus, message: "the gateway shuts down" };
  }
  const path = (request.url ?? "").split("?")[0] ?? "";
  if (!path.endsWith(RUNNER_PATH)) {
    return { name: "badFrame", status: 404, message: `runners connect to a path that ends with ${RUNNER_PATH}` };
  }
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  if (!offered.includes(SUBPROTOCOL)) {
    const { httpStatus } = CLOSE_CODES.unsupportedVersion;
    return { name: "unsupportedVersion", status: httpStatus, message: `this gateway speaks ${SUBPROTOCOL}` };
  }
  if (!RUNNER_ID.test(runnerIdOf(request))) {
    const message = `the header ${RUNNER_ID_HEADER} is missing or is no runner id`;
    return { name: "badFrame", status: CLOSE_CODES.badFrame.httpStatus, message };
  }
  return undefined;
}

/** A good token is let in whatever others behind the same address did: signed tokens can't be guessed. The rest is slowed down. */
async function checkToken(request: HttpRequest, options: UpgradeOptions): Promise<TokenHolder | Refusal> {
  const { store, keys, failures, clock } = options;
  try {
    return await verifyRunnerToken(store, keys, bearerToken(request.headers.authorization), runnerIdOf(request), clock);
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== "TokenRefused") throw error;
    try {
      return failures.refuse(peerAddress(request), error);
    } catch (told) {
      if (!(told instanceof CodedError)) throw told;
      // Its tokens were revoked with it: the reason behind that is what it has to hear.
      const retired = told === error && error.facts["reason"] === "revoked" && (await isRetired(request, store));
      if (retired)
        return {
          name: "retired",
          status: CLOSE_CODES.retired.httpStatus,
          message: "the runner was taken out of service",
        };
      const name = told === error ? "unauthorized" : "tooMany";
      return refusal(name, CLOSE_CODES[name].httpStatus, told);
    }
  }
}

async function isRetired(request: HttpRequest, store: Pick<Store, "findRunner">): Promise<boolean> {
  return (await store.findRunner(runnerIdOf(request)))?.retiredAt !== undefined;
}

function refusal(name: CloseName, status: number, error: CodedError): Refusal {
  const wait = error.facts["retryAfterSeconds"];
  return {
    name,
    status,
    message: error.message,
    advice: error.advice,
    ...(typeof wait === "number" ? { retryAfterSeconds: wait } : {}),
  };
}

function refuse(rawSocket: RawSocket, refused: Refusal, request: HttpRequest, log: Log): void {
  const { name, status, message, advice, retryAfterSeconds } = refused;
  log.info("A runner was refused", {
    address: peerAddress(request),
    runnerId: shown(request),
    status,
    reason: message,
  });
  const headers: Record<string, string> = {};
  if (status === 401) headers["WWW-Authenticate"] = "Bearer";
  if (status === 426) headers["Sec-WebSocket-Protocol"] = SUBPROTOCOL;
  if (retryAfterSeconds !== undefined) headers["Retry-After"] = String(retryAfterSeconds);
  refuseUpgrade(rawSocket, status, { code: name, message, ...(advice === undefined ? {} : { advice }) }, headers);
}

function runnerIdOf(request: HttpRequest): string {
  const header = request.headers[RUNNER_ID_HEADER];
  return typeof header === "string" ? header : "";
}

function shown(request: HttpRequest): string {
  const runnerId = runnerIdOf(request);
  return RUNNER_ID.test(runnerId) ? runnerId : "";
}
