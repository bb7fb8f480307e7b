import fc from "fast-check";
import { expect, test } from "vitest";
import type { PipelineView, RunView } from "../../src/gateway/api/views.ts";
import { GATEWAY_FLAGS, readGatewayConfig } from "../../src/gateway/config.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { ROUTES } from "../gateway/api/described-answers.ts";
import { dialRunner, ScriptedRunner } from "../gateway/scripted-runner.ts";
import { TestGateway } from "../gateway/test-gateway.ts";
import { anyRecipe, cook, NUMBERS, type Recipe } from "./recipes.ts";

/* Seeded, so that a run that fails can be had again. A case that ever failed is worth a test of its own. */
const SEED = 20_261_129;

/** A gateway with two runners: alpha does what it likes, beta only works. */
class World {
  gateway: TestGateway;
  readonly #directory: string;
  #beta: ScriptedRunner | undefined;
  #betaPipeline = "";
  #alphaToken = "";
  #betaToken = "";
  /** What alpha may name: its own pipeline and run, beta's, and a deleted one. */
  ids: { readonly pipelineId: readonly string[]; readonly runId: readonly string[] } = { pipelineId: [], runId: [] };
  #enabled = true;

  private constructor(directory: string, gateway: TestGateway) {
    this.#directory = directory;
    this.gateway = gateway;
  }

  static async start(): Promise<World> {
    const directory = await temporaryDirectory();
    const world = new World(directory, await TestGateway.start([], directory));
    const { gateway } = world;
    world.#alphaToken = (await gateway.token({ runnerId: "alpha" })).text;
    world.#betaToken = (await gateway.token({ runnerId: "beta" })).text;
    const own = await gateway.deployed();
    const ownRun = await gateway.startRun(own.pipelineId);
    const deleted = await gateway.deployed();
    await gateway.ask("DELETE", `/api/v1/pipelines/${deleted.pipelineId}`);
    const service = await gateway.service("betas", { runnerId: "beta" });
    const wish = { name: "m", serviceId: service.serviceId, pipelineType: "metadata", sourceConfig: {} };
    const { pipelineId } = await gateway.ask<PipelineView>("POST", "/api/v1/pipelines", wish);
    await gateway.ask("POST", `/api/v1/pipelines/${pipelineId}/deploy`);
    world.#betaPipeline = pipelineId;
    await world.#connectBeta();
    const run = await world.betaWorks();
    world.ids = {
      pipelineId: [own.pipelineId, own.pipelineId, pipelineId, deleted.pipelineId],
      runId: [ownRun.runId, ownRun.runId, run],
    };
    return world;
  }

  async restart(): Promise<void> {
    await this.gateway.gateway.close();
    this.gateway = await TestGateway.start([], this.#directory);
    await this.#connectBeta();
  }

  /** Sends these frames as alpha, after a proper greeting; resolves when all are dealt with or the session is over. */
  async alphaSends(recipes: readonly Recipe[], inInventory: boolean): Promise<void> {
    const socket = await dialRunner(this.gateway.url, this.#alphaToken, "alpha");
    let epoch = 0;
    let acknowledged = 0;
    let seen = "";
    let closed: { readonly code: number; readonly reason: string } | undefined;
    socket.onText = (text) => {
      const frame = JSON.parse(text) as { type: string; body: { epoch?: number; seq?: number } };
      seen += `${frame.type} `;
      if (frame.type === "welcome") epoch = frame.body.epoch ?? 0;
      if (frame.type === "ack") acknowledged = frame.body.seq ?? 0;
    };
    socket.onClose = (code, reason) => {
      closed = { code, reason };
    };
    const send = (type: string, body: object, more = {}): void =>
      socket.send(JSON.stringify({ type, epoch, ...more, body }));
    send("hello", {
      protocolVersions: [2],
      runnerId: "alpha",
      installationId: "a",
      instanceId: crypto.randomUUID(),
      standby: false,
      runnerVersion: "1",
      executor: "process",
      platform: "test",
      operations: [],
      maxConcurrentRuns: 1,
    });
    await eventually(() => expect(epoch).toBeGreaterThan(0));
    let seq = 1;
    const sendAll = (): void => {
      for (const recipe of recipes) {
        const text = cook(recipe, "up", { epoch, seq, ids: this.ids });
        if (text.includes(`"seq":${seq},`)) seq++;
        socket.send(text);
      }
    };
    if (inInventory) sendAll();
    send("inventory", { pipelines: [], runs: [], last: true });
    await eventually(() => expect(closed !== undefined || seen.includes("wanted")).toBe(true));
    send("inStep", { fetched: 0, deleted: 0, orphans: [] });
    if (!inInventory) sendAll();
    const fence = { runId: crypto.randomUUID(), pipelineId: crypto.randomUUID(), attempt: 1, state: "queued" };
    send("run.update", fence, { seq });
    await eventually(() => expect(closed !== undefined || acknowledged >= seq).toBe(true));
    socket.terminate();
    // Whatever is wrong is the sender's fault and called so; 4500 says that the gateway failed.
    expect(closed?.code, closed?.reason).not.toBe(4500);
  }

  /** Everything of beta's works: it is listed, changed, delivered, run. Answers the run's id. */
  async betaWorks(): Promise<string> {
    const { gateway } = this;
    const pipelineId = this.#betaPipeline;
    const { pipelines } = await gateway.ask<{ pipelines: PipelineView[] }>("GET", "/api/v1/pipelines");
    expect(pipelines.map((one) => one.pipelineId)).toContain(pipelineId);
    for (const path of ["/api/v1/runners", "/api/v1/services", "/api/v1/tokens"]) await gateway.ask("GET", path);
    this.#enabled = !this.#enabled;
    const { generation } = await gateway.ask<PipelineView>("POST", `/api/v1/pipelines/${pipelineId}/toggle`, {
      enabled: this.#enabled,
    });
    const run = await gateway.startRun(pipelineId);
    await eventually(() => {
      const starts = this.#beta?.frames.filter((frame) => frame.type === "run.start") ?? [];
      expect(
        starts.some(
          ({ body }) =>
            "runId" in body && body.runId === run.runId && "generation" in body && body.generation === generation,
        ),
      ).toBe(true);
    });
    const log = { bytes: 5, sha256: "d".repeat(64) };
    this.#beta?.report({ runId: run.runId, pipelineId, attempt: 1, state: "success", proof: "exit code 0", log });
    await eventually(async () => expect((await gateway.run(run.runId)).state).toBe("success"));
    const { runs } = await gateway.ask<{ runs: RunView[] }>("GET", "/api/v1/runs?limit=5");
    expect(runs.map((one) => one.runId)).toContain(run.runId);
    return run.runId;
  }

  async #connectBeta(): Promise<void> {
    this.#beta = await ScriptedRunner.connect(this.gateway.url, this.#betaToken, "beta");
  }
}

test("whatever one runner sends, every other one is served, also after a restart", async () => {
  const world = await World.start();
  let cases = 0;
  // A wrong frame ends its session, so each has few.
  const session = fc.record({ recipes: fc.array(anyRecipe, { minLength: 1, maxLength: 2 }), early: fc.boolean() });
  const property = fc.asyncProperty(fc.array(session, { minLength: 8, maxLength: 16 }), async (sessions) => {
    for (const { recipes, early } of sessions) await world.alphaSends(recipes, early);
    if (++cases % 8 === 0) await world.restart();
    await world.betaWorks();
  });
  await fc.assert(property, { seed: SEED, numRuns: 16, endOnFailure: true });
  await world.restart();
  await world.betaWorks();
}, 300_000);

test("whatever a person asks the API for, it answers in words, and everybody is served, also after a restart", async () => {
  const world = await World.start();
  const routes = ROUTES.filter(([, route]) => !("events" in route));
  const number = fc.constantFrom(...NUMBERS);
  const asked = fc.record({
    route: fc.constantFrom(...routes),
    id: fc.nat({ max: 3 }),
    numbers: fc.array(number, { minLength: 8, maxLength: 8 }),
  });
  const ask = async ({
    route: [, route],
    id,
    numbers,
  }: typeof asked extends fc.Arbitrary<infer T> ? T : never): Promise<void> => {
    const [own = ""] = world.ids.pipelineId;
    const [ownRun = ""] = world.ids.runId;
    const path = route.path.replace(/\{\w+\}/, [own, ownRun, crypto.randomUUID(), "9007199254740991"][id] ?? "alpha");
    const named = (names: readonly string[]): [string, string][] =>
      names.map((name, place) => [name, numbers[place] ?? "0"]);
    const query = new URLSearchParams(
      id % 2 === 0 ? [] : named(["limit", "after", "before"]).slice(0, 1 + id),
    ).toString();
    const fields = {
      PipelineWish: ["timeoutSeconds", "retries", "retryDelaySeconds"],
      token: ["expiresInSeconds"],
      none: [],
    };
    const kind = route.path.endsWith("/pipelines") ? "PipelineWish" : route.path.endsWith("/tokens") ? "token" : "none";
    const fixed = {
      PipelineWish: `"name":"n${crypto.randomUUID().slice(0, 8)}","serviceId":"${crypto.randomUUID()}","pipelineType":"metadata","sourceConfig":{"n":${numbers[7] === "1e999" ? 0 : numbers[7]}}`,
      token: '"runnerId":"alpha"',
      none: `"enabled":${numbers[6]}`,
    }[kind];
    const body = `{${[fixed, ...named(fields[kind]).map(([name, value]) => `"${name}":${value}`)].join()}}`;
    const answer = await world.gateway.call(
      route.method,
      `${path}${query === "" ? "" : `?${query}`}`,
      route.method === "GET" ? undefined : body,
    );
    expect(answer.status, `${route.method} ${path} ${query} ${body}`).not.toBe(500);
  };
  let cases = 0;
  const property = fc.asyncProperty(fc.array(asked, { minLength: 4, maxLength: 12 }), async (all) => {
    for (const one of all) await ask(one);
    if (++cases % 8 === 0) await world.restart();
    await world.betaWorks();
  });
  await fc.assert(property, { seed: SEED, numRuns: 16, endOnFailure: true });
}, 300_000);

test("whatever number a flag of the gateway is given, it is refused by name or within bounds", async () => {
  const texts = [...NUMBERS.map((text) => text.replaceAll('"', "")), "Infinity", "-0", "1_000", "0x10", " 7 "];
  for (const name of Object.keys(GATEWAY_FLAGS).filter((flag) => flag !== "json" && flag !== "config")) {
    for (const text of texts) {
      try {
        const config = await readGatewayConfig([`--${name}=${text}`], { HOME: "/home/x" });
        for (const value of Object.values(config)) {
          if (typeof value === "number")
            expect(Number.isSafeInteger(value * 1_000_000) && value >= 0, `${name} ${text}`).toBe(true);
        }
      } catch (error) {
        expect(error).toMatchObject({ code: "ConfigInvalid", message: expect.stringContaining(`--${name}`) });
      }
    }
  }
});
