import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type ApiCall, readCall } from "./api-call.ts";
import type { Fault, Faults } from "./faults.ts";
import type { Requests, SeenRequest } from "./requests.ts";
import type { Access } from "./rights.ts";
import { StatusError } from "./status.ts";

/** Does one call: writes its answer. @throws StatusError which is answered then */
export type ApiHandler = (call: ApiCall, response: ServerResponse, limits: StreamLimits) => Promise<void> | void;

/** What a fault does to a stream. */
export interface StreamLimits {
  /** Nothing is sent after the head. */
  readonly silent: boolean;
  /** Cut after so many bytes. */
  readonly cutAfterBytes: number;
}

const NO_LIMITS: StreamLimits = { silent: false, cutAfterBytes: Number.POSITIVE_INFINITY };

/** HTTP in front of the cluster: counts, faults, rights, then the handler. */
export class ApiServer {
  readonly #sockets = new Set<Socket>();
  readonly #options: { access: Access; faults: Faults; requests: Requests; handle: ApiHandler };
  #server: Server | undefined;
  #port = 0;

  constructor(options: { access: Access; faults: Faults; requests: Requests; handle: ApiHandler }) {
    this.#options = options;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens: on a free port the first time, on the same one later. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      response.on("error", () => undefined);
      void this.#serve(request, response);
    });
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => undefined);
    });
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Stops listening and cuts every connection. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
    this.resetConnections();
    await closed;
  }

  resetConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let seen: SeenRequest | undefined;
    response.on("finish", () => {
      if (seen !== undefined) seen.status ??= response.statusCode;
    });
    try {
      const call = await readCall(request);
      seen = seenRequest(call);
      this.#options.requests.add(seen);
      const fault = this.#options.faults.take(call.deed);
      if (fault !== undefined && (await met(fault, response))) return;
      this.#check(call);
      const limits = limitsOf(fault);
      if (fault !== undefined && "cut" in fault) return await this.#doAndCut(call, response);
      await this.#options.handle(call, response, limits);
    } catch (error) {
      if (!(error instanceof StatusError)) {
        if (response.destroyed) return;
        const message = error instanceof Error ? `${error.stack}` : String(error);
        return sendJson(response, 500, new StatusError(500, "InternalError", message).body);
      }
      if (!response.headersSent) sendJson(response, error.code, error.body);
    }
  }

  /** Everybody may ask for the version; everybody with a token for what it allows. */
  #check({ deed, token }: ApiCall): void {
    const { access } = this.#options;
    if (deed.resource === "selfsubjectaccessreviews") access.may(token, deed);
    else if (deed.resource !== "version") access.check(token, deed);
  }

  /** The deed is done, and its answer gets lost. */
  async #doAndCut(call: ApiCall, response: ServerResponse): Promise<void> {
    const { socket } = response;
    response.write = () => true;
    response.end = () => {
      socket?.resetAndDestroy();
      return response;
    };
    await this.#options.handle(call, response, NO_LIMITS);
    socket?.resetAndDestroy();
  }
}

/** Answers with a JSON body. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** True when the fault was the answer. */
async function met(fault: Fault, response: ServerResponse): Promise<boolean> {
  if ("delayMs" in fault) {
    await sleep(fault.delayMs);
    return false;
  }
  if ("hang" in fault) return true;
  if ("cut" in fault && fault.cut === "before") {
    response.socket?.resetAndDestroy();
    return true;
  }
  if (!("status" in fault)) return false;
  const { status, retryAfter } = fault;
  const reason = fault.reason ?? REASONS[status] ?? "InternalError";
  const details = retryAfter === undefined ? undefined : { retryAfterSeconds: retryAfter };
  const { body } = new StatusError(
    status,
    reason,
    fault.message ?? MESSAGES[status] ?? "a fault of the fake cluster",
    details,
  );
  sendJson(response, status, body, retryAfter === undefined ? {} : { "retry-after": String(retryAfter) });
  return true;
}

const REASONS: Readonly<Record<number, string>> = {
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  410: "Expired",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

const MESSAGES: Readonly<Record<number, string>> = {
  429: "the server has received too many requests and has asked us to try again later",
  503: "the server is currently unable to handle the request",
};

function limitsOf(fault: Fault | undefined): StreamLimits {
  if (fault === undefined) return NO_LIMITS;
  if ("silentWatch" in fault) return { ...NO_LIMITS, silent: true };
  return "cutAfterBytes" in fault ? { ...NO_LIMITS, cutAfterBytes: fault.cutAfterBytes } : NO_LIMITS;
}

function seenRequest({ body, deed, query, target, userAgent }: ApiCall): SeenRequest {
  const dryRun = query.get("dryRun") === "All";
  return { ...deed, dryRun, userAgent, target, ...(body === undefined ? {} : { body }) };
}
