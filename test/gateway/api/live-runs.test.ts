import { createHash } from "node:crypto";
import { request } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { instant } from "../../../src/base/instants.ts";
import { RUN_EVENTS } from "../../../src/gateway/api/views.ts";
import { eventually } from "../../fakes/eventually.ts";
import { TestGateway } from "../test-gateway.ts";
import { expectShape } from "./described-answers.ts";

interface Event {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

/** Reads server-sent events in the background into a list; `ended` resolves when the gateway has ended the stream. */
async function follow(gateway: TestGateway, runId: string, query = "", headers: Record<string, string> = {}) {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const response = await fetch(`${gateway.url}/api/v1/runs/${runId}/events${query}`, {
    headers: { authorization: `Bearer ${gateway.adminToken}`, ...headers },
    signal: stop.signal,
  });
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const events: Event[] = [];
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of response.body ?? []) {
      rest += decoder.decode(chunk as Uint8Array, { stream: true });
      const blocks = rest.split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) events.push(parse(block));
    }
  };
  const ended = read().catch(() => undefined);
  onTestFinished(() => {
    for (const { event, data } of events.filter((one) => one.event in RUN_EVENTS))
      expectShape(RUN_EVENTS[event as "run"], data, event);
  });
  const named = (name: string): Event[] => events.filter(({ event }) => event === name);
  return {
    events,
    named,
    ended,
    stop,
    log: () =>
      named("log")
        .map(({ data }) => data["text"])
        .join(""),
  };
}

function parse(block: string): Event {
  const fields = new Map(
    block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
  );
  return {
    event: fields.get("event") ?? "",
    id: fields.get("id"),
    data: JSON.parse(fields.get("data") ?? "{}") as Event["data"],
  };
}

async function setUp() {
  const gateway = await TestGateway.start();
  const runner = await gateway.runner();
  const { pipelineId } = await gateway.deployed();
  const { runId } = await gateway.startRun(pipelineId);
  await eventually(() => runner.newest("run.start"));
  const end = (text: string): void => {
    const log = { bytes: Buffer.byteLength(text), sha256: createHash("sha256").update(text).digest("hex") };
    runner.report({ runId, pipelineId, attempt: 1, state: "success", proof: "exit code 0", exitCode: 0, log });
  };
  return { gateway, runner, runId, pipelineId, end };
}

test("events tell each state and all of the log as they come, then the end, and the stream ends", async () => {
  const { gateway, runner, runId, pipelineId, end } = await setUp();
  const startedAt = Date.now();
  const live = await follow(gateway, runId);
  await eventually(() => expect(live.named("run")[0]?.data).toMatchObject({ runId, state: "queued" }));
  runner.report({ runId, pipelineId, attempt: 1, state: "running", startedAt });
  await eventually(() =>
    expect(live.named("run").at(-1)?.data).toMatchObject({ state: "running", startedAt: instant(startedAt) }),
  );
  const middle = runner.log(runId, 0, "one\nzwei: ü\n");
  await eventually(() => expect(live.log()).toBe("one\nzwei: ü\n"));
  runner.log(runId, middle, "three\n");
  end("one\nzwei: ü\nthree\n");
  await live.ended;
  expect(live.log()).toBe("one\nzwei: ü\nthree\n");
  const [last, ...before] = live.events.toReversed();
  expect(last).toMatchObject({
    event: "end",
    data: { complete: true, verified: true, nextOffset: 19, run: { runId, state: "success", exitCode: 0 } },
  });
  expect(before.some(({ event }) => event === "end")).toBe(false);
  for (const { id, data } of live.named("log")) expect(id).toBe(String(data["nextOffset"]));
});

test("events tell what a queued run waits for, each time it is something else", async () => {
  const gateway = await TestGateway.start();
  const { pipelineId } = await gateway.deployed();
  const first = await gateway.startRun(pipelineId);
  const second = await gateway.startRun(pipelineId);
  const live = await follow(gateway, second.runId);
  const told = (): unknown[] => live.named("run").map(({ data }) => data["waiting"]);
  await eventually(() =>
    expect(told()).toEqual([expect.stringMatching(/^runner alpha is not known here: .*; next: .*AGENT_ID/)]),
  );
  await gateway.runner();
  await eventually(() => expect(told().at(-1)).toContain(`run ${first.runId} of its pipeline is live`));
  expect((await gateway.run(second.runId)).waiting).toBe(told().at(-1));
});

test("events resume the log at the byte that was asked for, or behind the last event", async () => {
  const { gateway, runner, runId, end } = await setUp();
  runner.log(runId, 0, "one\ntwo\n");
  end("one\ntwo\n");
  const asked = await follow(gateway, runId, "?after=4");
  const resumed = await follow(gateway, runId, "", { "last-event-id": "4" });
  const whole = await follow(gateway, runId, "", { "last-event-id": "nonsense" });
  const nothing = await follow(gateway, runId, "?after=8");
  await Promise.all([asked, resumed, whole, nothing].map(({ ended }) => ended));
  expect([asked, resumed, whole, nothing].map(({ log }) => log())).toEqual(["two\n", "two\n", "one\ntwo\n", ""]);
  expect(asked.named("log")[0]?.data["offset"]).toBe(4);
  for (const { events } of [asked, resumed, whole, nothing]) expect(events.at(-1)?.event).toBe("end");
  const bad = await gateway.call("GET", `/api/v1/runs/${runId}/events?after=x`);
  expect([bad.status, bad.body.code]).toEqual([400, "BadRequest"]);
});

test("events wait for a log that comes after the end, and tell the end behind its last line", async () => {
  const { gateway, runner, runId, end } = await setUp();
  const live = await follow(gateway, runId);
  end("late\n");
  await eventually(async () =>
    expect(await gateway.ask("GET", `/api/v1/runs/${runId}`)).toMatchObject({ state: "success" }),
  );
  expect(live.named("end")).toEqual([]);
  runner.log(runId, 0, "late\n");
  await live.ended;
  expect(live.events.slice(-3).map(({ event }) => event)).toEqual(["log", "run", "end"]);
  expect(live.named("run").at(-1)?.data["state"]).toBe("success");
  expect(live.log()).toBe("late\n");
  expect(live.events.at(-1)).toMatchObject({ event: "end", data: { complete: true, verified: true } });
});

test("events and pages never call a log complete that lacks a piece, and don't wait for it", async () => {
  const { gateway, runner, runId, end } = await setUp();
  const live = await follow(gateway, runId);
  runner.log(runId, 0, "one\n");
  runner.log(runId, 8, "three\n");
  end("one\ntwo\nthree\n");
  await live.ended;
  expect(live.events.at(-1)).toMatchObject({
    event: "end",
    data: { complete: false, verified: false, nextOffset: 14 },
  });
  expect(live.log()).toContain("gap: 4 bytes");
  const page = await gateway.ask("GET", `/api/v1/runs/${runId}/logs`);
  expect(page).toMatchObject({ complete: false, verified: false, gaps: [[4, 4]], nextOffset: 14 });
});

test("events of a large log arrive whole at a reader that takes its time", async () => {
  const { gateway, runner, runId, end } = await setUp();
  const chunk = `${"0123456789abcdef".repeat(4)}\n`.repeat(1000);
  const whole = chunk.repeat(40);
  let offset = 0;
  for (let count = 0; count < 40; count++) offset = runner.log(runId, offset, chunk);
  end(whole);
  await eventually(async () => expect((await gateway.run(runId)).logBytes).toBe(offset));

  const headers = { authorization: `Bearer ${gateway.adminToken}` };
  const parts: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    const asking = request(`${gateway.url}/api/v1/runs/${runId}/events`, { headers }, (response) => {
      response.pause();
      setTimeout(() => response.resume(), 500);
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", resolve);
    });
    asking.on("error", reject);
    asking.end();
  });
  const events = Buffer.concat(parts)
    .toString()
    .split("\n\n")
    .filter((block) => block !== "")
    .map(parse);
  const texts = events.filter(({ event }) => event === "log").map(({ data }) => data["text"]);
  expect(texts.join("") === whole).toBe(true);
  expect(events.at(-1)).toMatchObject({ event: "end", data: { verified: true } });
});

test("events end when the gateway closes, and readers that leave are forgotten", async () => {
  const { gateway, runId } = await setUp();
  const leaver = await follow(gateway, runId);
  await eventually(() => expect(leaver.named("run")).toHaveLength(1));
  leaver.stop.abort();
  await leaver.ended;
  const stayer = await follow(gateway, runId);
  await eventually(() => expect(stayer.named("run")).toHaveLength(1));
  await gateway.gateway.close();
  await stayer.ended;
  expect(stayer.named("end")).toEqual([]);
  expect(gateway.logLines.filter((line) => line.includes("did not stop"))).toEqual([]);
});
