import { type Clock, sleep } from "../../base/clock.ts";
import { CodedError } from "../../base/errors.ts";
import { isTerminal } from "../../protocol/run-state.ts";
import { DEMO_ERRORS } from "../errors.ts";
import { type LogView, type RunView, readLogView, readRunView } from "./answers.ts";
import type { GatewayClient } from "./gateway-client.ts";

/** Who watches a run. */
export interface RunWatcher {
  readonly state: (run: RunView) => Promise<void>;
  readonly line: (text: string) => Promise<void>;
}

const RUN_LIMIT_MS = 90_000;
const LOG_LIMIT_MS = 20_000;
const PAUSE_MS = 200;

/**
 * Shows a run's states and log lines as they come, over the live stream, which is opened again where it ended should it break.
 * Resolves with the run in its terminal state.
 * @throws CodedError DemoStepTooSlow
 */
export async function followRun(
  client: GatewayClient,
  runId: string,
  watcher: RunWatcher,
  clock: Clock,
  signal: AbortSignal,
): Promise<RunView> {
  const end = clock.monotonic() + RUN_LIMIT_MS;
  const lines = createLineCutter(watcher.line);
  let shown = "";
  let offset = 0;
  const show = async (run: RunView): Promise<void> => {
    if (run.state !== shown) await watcher.state(run);
    shown = run.state;
  };
  while (clock.monotonic() < end) {
    for await (const { event, data } of client.events(`/api/v1/runs/${runId}/events?after=${offset}`)) {
      const body: unknown = JSON.parse(data);
      if (event === "run") await show(readRunView(body));
      if (event === "log") {
        const page = readLogView(body);
        offset = page.nextOffset;
        await lines.push(page.text);
      }
      if (event === "end") break;
    }
    const run = readRunView(await client.get(`/api/v1/runs/${runId}`));
    if (isTerminal(run.state)) {
      await lines.end();
      await show(run);
      return run;
    }
    await sleep(clock, PAUSE_MS, signal);
  }
  throw new CodedError(DEMO_ERRORS.DemoStepTooSlow, `Cannot see the end of run ${runId}: still ${shown || "unseen"}`);
}

/** Fetches a run's log from its beginning, waiting a little for what is still on its way. */
export async function fetchLog(
  client: GatewayClient,
  runId: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<LogView> {
  const end = clock.monotonic() + LOG_LIMIT_MS;
  let text = "";
  let offset = 0;
  for (;;) {
    const page = readLogView(await client.get(`/api/v1/runs/${runId}/logs?after=${offset}`));
    text += page.text;
    const more = page.nextOffset > offset;
    offset = page.nextOffset;
    if (!more && (page.complete || clock.monotonic() > end)) return { ...page, text };
    if (!more) await sleep(clock, PAUSE_MS, signal);
  }
}

/** Makes whole lines of pieces. */
function createLineCutter(line: (text: string) => Promise<void>): {
  push(text: string): Promise<void>;
  end(): Promise<void>;
} {
  let rest = "";
  return {
    async push(text) {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) await line(part);
    },
    async end() {
      if (rest !== "") await line(rest);
      rest = "";
    },
  };
}
