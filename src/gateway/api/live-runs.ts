import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import { withLimit } from "../../base/clock.ts";
import { CodedError, describeError } from "../../base/errors.ts";
import type { RunRecord } from "../store/store.ts";
import type { ApiDependencies } from "./dependencies.ts";
import { API_ERRORS } from "./errors.ts";
import { followRun, type RunEventSink } from "./follow-run.ts";
import type { LogProof } from "./log-proof.ts";
import { notFound } from "./read-request.ts";
import { runView } from "./run-view.ts";
import type { Handlers } from "./serve-route.ts";
import type { RunView } from "./views.ts";

const MAX_STREAMS = 256;
/** A reader that takes nothing for so long is cut off; it may come again with Last-Event-ID. */
const STALL_MS = 60_000;

/** Serves the live events of a run: the run and its log as they grow. */
export function liveRunHandlers(
  deps: ApiDependencies,
  proofOf: (run: RunRecord) => Promise<LogProof>,
): Handlers<"followRun"> {
  let open = 0;
  return {
    followRun: async ({ id: runId, query }, c) => {
      const { after = lastEventId(c.req.header("last-event-id")) } = query;
      if ((await deps.store.findRun(runId)) === undefined) throw notFound(deps.store, "run", runId);
      if (open >= MAX_STREAMS) {
        throw new CodedError(API_ERRORS.TooManyStreams, `Cannot open a live view: ${open} are open already`);
      }
      open++;
      const follow = async (stream: SSEStreamingApi): Promise<void> => {
        const gone = new AbortController();
        stream.onAbort(() => gone.abort());
        const signal = AbortSignal.any([gone.signal, deps.stopping]);
        try {
          const viewOf = (run: RunRecord): Promise<RunView> => runView(run, deps.sessions);
          await followRun({ ...deps, runId, after, sink: createSink(stream, signal, deps), signal, proofOf, viewOf });
        } catch (error) {
          if (!signal.aborted) deps.log.warn("A live view ended early", { runId, error: describeError(error) });
        } finally {
          open--;
        }
      };
      const response = streamSSE(c, follow);
      // The library asks to keep the connection, which is not its business; and proxies must not collect events.
      response.headers.delete("Connection");
      response.headers.set("X-Accel-Buffering", "no");
      return response;
    },
  };
}

function createSink(stream: SSEStreamingApi, signal: AbortSignal, { clock }: ApiDependencies): RunEventSink {
  const taken = async (writing: Promise<unknown>): Promise<void> => {
    const stalled = (): CodedError =>
      new CodedError(API_ERRORS.RequestFailed, `Cannot send events: the reader took nothing for ${STALL_MS} ms`);
    // The library's write neither fails nor ends when the reader goes away while it waits.
    await withLimit(clock, STALL_MS, Promise.race([writing, aborted(signal)]), stalled);
  };
  return {
    send: ({ name, data, id }) =>
      taken(stream.writeSSE({ event: name, data: JSON.stringify(data), ...(id === undefined ? {} : { id }) })),
    heartbeat: () => taken(stream.write(": still here\n\n")),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function lastEventId(header: string | undefined): number {
  return /^\d{1,15}$/.test(header ?? "") ? Number(header) : 0;
}
