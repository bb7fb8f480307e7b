import type { Clock } from "../base/clock.ts";
import { CodedError, errorCode, isKind } from "../base/errors.ts";
import { type HttpsAnswer, type HttpsClient, openHttpsClient } from "../runtime/https-client.ts";
import { SOCKET_ERRORS } from "../runtime/socket-errors.ts";
import type { ClusterAccess, Identity } from "./cluster-access.ts";
import { KUBERNETES_ERRORS } from "./errors.ts";
import { parseJson, unreadable } from "./json-lines.ts";
import { Places } from "./places.ts";
import { type ApiRequest, nameOf } from "./request.ts";
import { refused, retryAfterMs } from "./status-error.ts";

/** Bounds of one client. */
export interface ApiLimits {
  /** Calls under way at once, watches and logs aside. */
  readonly calls: number;
  /** Watches and logs that are open at once. */
  readonly streams: number;
  /** Calls, and streams, that wait for a place. */
  readonly waiting: number;
  /** One call with all its tries. */
  readonly callMs: number;
  /** From a request to the head of its answer; one try. */
  readonly answerMs: number;
  readonly answerBytes: number;
  /** One event of a watch. An object is at most 1.5 MiB in the server's store. */
  readonly eventBytes: number;
}

/** What exchanges stand on. */
export interface ExchangeOptions {
  readonly config: ClusterAccess;
  readonly clock: Clock;
  readonly userAgent: string;
  readonly limits: ApiLimits;
}

/** A request that has been answered with success, whose place is held until `done`. */
export interface OpenAnswer {
  readonly answer: HttpsAnswer;
  readonly done: () => void;
}

/** Idle connections are closed by the API server, or by what stands before it, after a minute or more. */
const IDLE_MS = 45_000;

/** Single requests with credentials: one try each, but for a 401, after which credentials are asked for anew once. */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #base: string;
  readonly calls: Places;
  readonly streams: Places;
  #client: HttpsClient | undefined;
  #tls: Identity["tls"] | undefined;
  /** Clients of earlier identities, as long as something is under way there. */
  #earlier: HttpsClient[] = [];
  #closed = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    const { calls, streams, waiting } = options.limits;
    this.calls = new Places(calls, waiting);
    this.streams = new Places(streams, waiting);
    this.#base = new URL(options.config.server).pathname.replace(/\/$/, "");
  }

  /** Connections that are open now. */
  get connections(): number {
    return [...this.#earlier, this.#client].reduce((sum, client) => sum + (client?.connections ?? 0), 0);
  }

  /** Closes connections that may be dead. */
  dropIdle(): void {
    this.#client?.dropIdle();
  }

  close(): void {
    this.#closed = true;
    for (const client of [...this.#earlier, this.#client]) client?.close();
  }

  /** One try of a call; the answer as JSON. @throws CodedError of errors.ts, the signal's reason */
  async json(request: ApiRequest, signal: AbortSignal): Promise<unknown> {
    const answer = await this.#open(request, signal);
    return parseJson(await this.#readAll(answer, request, signal), nameOf(request));
  }

  /** Opens a watch or a log. @throws as `json` */
  async stream(request: ApiRequest, signal: AbortSignal): Promise<OpenAnswer> {
    const done = await this.streams.take(signal);
    try {
      return { answer: await this.#open(request, signal), done };
    } catch (error) {
      done();
      throw error;
    }
  }

  async #open(request: ApiRequest, signal: AbortSignal): Promise<HttpsAnswer> {
    const identity = await orAbort(this.#options.config.credentials.current(), signal);
    const first = await this.#send(request, identity, signal);
    if (first.status !== 401) return this.#accept(request, first, signal);
    this.#options.config.credentials.refused(identity);
    const anew = await orAbort(this.#options.config.credentials.current(), signal);
    if (anew === identity) return this.#accept(request, first, signal);
    first.discard();
    return this.#accept(request, await this.#send(request, anew, signal), signal);
  }

  async #send(request: ApiRequest, identity: Identity, signal: AbortSignal): Promise<HttpsAnswer> {
    const { userAgent, limits } = this.#options;
    const headers = {
      ...identity.headers,
      accept: "application/json",
      "user-agent": userAgent,
      ...(request.contentType === undefined ? {} : { "content-type": request.contentType }),
    };
    signal.throwIfAborted();
    if (this.#closed) throw closedError(request);
    try {
      return await this.#clientFor(identity).request({
        method: request.method,
        path: this.#base + request.path,
        headers,
        answerWithinMs: limits.answerMs,
        signal,
        ...(request.body === undefined ? {} : { body: request.body }),
      });
    } catch (cause) {
      throw this.#unreached(request, cause, signal);
    }
  }

  /** A connection that hangs or was cut casts doubt on the idle ones too. */
  #unreached(request: ApiRequest, cause: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    if (this.#closed) return closedError(request);
    if (!(cause instanceof CodedError)) return cause;
    if (isKind(cause, SOCKET_ERRORS.DialTimedOut)) this.dropIdle();
    const failure = cause.facts["failure"] ?? "timeout";
    return new CodedError(
      KUBERNETES_ERRORS.ApiUnavailable,
      `Cannot ${nameOf(request)}: the API server doesn't answer`,
      {
        cause,
        facts: { failure, verb: request.verb, resource: request.resource },
        ...(failure === "timeout" || failure === "cutOff" ? {} : { advice: adviceFor(cause) }),
      },
    );
  }

  #clientFor(identity: Identity): HttpsClient {
    if (this.#client !== undefined && this.#tls === identity.tls) return this.#client;
    // What is under way on connections of the old identity goes on; without work they close.
    const earlier = this.#client === undefined ? this.#earlier : [...this.#earlier, this.#client];
    for (const client of earlier) client.dropIdle();
    this.#earlier = earlier.filter((client) => client.connections > 0);
    const { config, clock, limits } = this.#options;
    this.#tls = identity.tls;
    this.#client = openHttpsClient({
      server: config.server,
      tls: identity.tls,
      idleConnections: limits.calls,
      idleMs: IDLE_MS,
      clock,
      ...(config.proxy === undefined ? {} : { proxy: config.proxy }),
    });
    return this.#client;
  }

  async #accept(request: ApiRequest, answer: HttpsAnswer, signal: AbortSignal): Promise<HttpsAnswer> {
    if (answer.status >= 200 && answer.status < 300) return answer;
    const after = retryAfterMs(answer.header("retry-after"));
    const body = await this.#readRefusal(answer, request, signal);
    throw refused(request, { status: answer.status, body, ...(after === undefined ? {} : { retryAfterMs: after }) });
  }

  async #readRefusal(answer: HttpsAnswer, request: ApiRequest, signal: AbortSignal): Promise<unknown> {
    try {
      return parseJson(await this.#readAll(answer, request, signal), nameOf(request));
    } catch (error) {
      if (isKind(error, KUBERNETES_ERRORS.ApiAnswerUnreadable)) return undefined;
      throw error;
    }
  }

  async #readAll(answer: HttpsAnswer, request: ApiRequest, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    const parts: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const bytes of answer.body) {
        length += bytes.length;
        if (length > this.#options.limits.answerBytes) {
          answer.discard();
          throw unreadable(nameOf(request), `it is longer than ${this.#options.limits.answerBytes} bytes`);
        }
        parts.push(bytes);
      }
    } catch (cause) {
      if (errorCode(cause) !== SOCKET_ERRORS.DialFailed.code) throw cause;
      throw this.#unreached(request, cause, signal);
    }
    return parts;
  }
}

/** A plugin may take its time; whoever waits for it needn't. */
function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function closedError(request: ApiRequest): CodedError {
  return new CodedError(KUBERNETES_ERRORS.ApiUnavailable, `Cannot ${nameOf(request)}: this client is closed`, {
    facts: { failure: "closed" },
  });
}

function adviceFor(cause: CodedError): string {
  return cause.advice.replaceAll("the runner's CA file", "the kubeconfig");
}
