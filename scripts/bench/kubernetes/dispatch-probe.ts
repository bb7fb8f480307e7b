/*
 * The runner from its sources in a process where two moments are noted: a `run.start` frame has arrived, and the API server has
 * answered that the run's Secret is made, which is made after the Job. The difference is written to standard error as
 * {"dispatch": milliseconds, "run": id}, one line a run; and once, as {"of": resource, "body": text}, what is sent.
 */

import type http from "node:http";
import https from "node:https";
import { WebSocket } from "ws";

const arrived = new Map<string, number>();
const shown = new Set<string>();

const emit = WebSocket.prototype.emit;
WebSocket.prototype.emit = function (this: WebSocket, event: string | symbol, ...values: unknown[]): boolean {
  if (event === "message") {
    const at = performance.now();
    const text = String(values[0]);
    if (text.includes('"run.start"')) {
      const frame = JSON.parse(text) as { type: string; body: { runId: string } };
      if (frame.type === "run.start") arrived.set(frame.body.runId, at);
    }
  }
  return Reflect.apply(emit, this, [event, ...values]) as boolean;
};

const request = https.request as (options: http.RequestOptions) => http.ClientRequest;
https.request = ((options: http.RequestOptions) => {
  const sent = request(options);
  const resource = options.method === "POST" ? /\/(jobs|secrets)$/.exec(options.path ?? "")?.[1] : undefined;
  if (resource === undefined) return sent;
  const end = sent.end.bind(sent) as (body: unknown) => http.ClientRequest;
  sent.end = ((body: Uint8Array) => {
    note(sent, resource, new TextDecoder().decode(body));
    return end(body);
  }) as typeof sent.end;
  return sent;
}) as typeof https.request;

function note(sent: http.ClientRequest, resource: string, body: string): void {
  const run = /"name":"hr-([0-9a-f-]{36})"/.exec(body)?.[1] ?? "";
  if (!shown.has(resource)) write({ of: resource, body });
  shown.add(resource);
  const at = arrived.get(run);
  if (at === undefined || resource !== "secrets") return;
  sent.once("response", (response: http.IncomingMessage) => {
    response.once("end", () => write({ dispatch: performance.now() - at, run }));
  });
  arrived.delete(run);
}

function write(line: object): void {
  process.stderr.write(`${JSON.stringify(line)}\n`);
}

const { run } = await import("../../../src/commands/run.ts");
process.exit(await run([]));
