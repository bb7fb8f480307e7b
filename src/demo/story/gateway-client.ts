import { clip } from "../../base/clip.ts";
import { type Clock, limitSignal } from "../../base/clock.ts";
import { CodedError } from "../../base/errors.ts";
import type { JsonObject } from "../../protocol/messages.ts";
import { DEMO_ERRORS } from "../errors.ts";
import { readEvents, type StreamEvent } from "./event-stream.ts";

/** A caller of the gateway's REST API that remembers every answer, so that they can be looked through. */
export interface GatewayClient {
  /** The answer as JSON. @throws CodedError DemoRequestRefused for any status but 2xx; the runtime's error when there is no answer */
  get(path: string): Promise<unknown>;
  post(path: string, body: JsonObject): Promise<unknown>;
  /** Server-sent events until the server ends them. */
  events(path: string): AsyncGenerator<StreamEvent, void, void>;
  /** Everything the gateway has answered so far. */
  answers(): string;
}

/** What the client needs. */
export interface GatewayClientOptions {
  /** `http://host:port` */
  readonly url: string;
  readonly adminToken: string;
  /** Ends all requests. */
  readonly signal: AbortSignal;
  /** Longest wait for one answer. */
  readonly limitMs: number;
  readonly clock: Clock;
}

/** Makes a client. */
export function createGatewayClient(options: GatewayClientOptions): GatewayClient {
  const answers: string[] = [];
  const call = async (
    method: string,
    path: string,
    body: JsonObject | undefined,
    limitMs: number,
  ): Promise<Response> => {
    const response = await fetch(`${options.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${options.adminToken}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([options.signal, limitSignal(options.clock, limitMs)]),
    });
    if (response.ok) return response;
    const text = await response.text();
    answers.push(text);
    const message = `Cannot ${method} ${path}: the gateway answered ${response.status} ${clip(text, 500).trim()}`;
    throw new CodedError(DEMO_ERRORS.DemoRequestRefused, message);
  };
  const ask = async (method: string, path: string, body?: JsonObject): Promise<unknown> => {
    const response = await call(method, path, body, options.limitMs);
    const text = await response.text();
    answers.push(text);
    return text === "" ? undefined : JSON.parse(text);
  };
  return {
    get: (path) => ask("GET", path),
    post: (path, body) => ask("POST", path, body),
    async *events(path) {
      const response = await call("GET", path, undefined, FOLLOW_LIMIT_MS);
      if (response.body === null) return;
      for await (const event of readEvents(response.body)) {
        answers.push(event.data);
        yield event;
      }
    },
    answers: () => answers.join("\n"),
  };
}

/** Longest life of one event stream. */
const FOLLOW_LIMIT_MS = 120_000;
