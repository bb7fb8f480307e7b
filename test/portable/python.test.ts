import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { exactNumber } from "../../src/base/exact-json.ts";
import type { LogPageView, RunView } from "../../src/gateway/api/views.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { TestGateway } from "../gateway/test-gateway.ts";

/*
 * A runner in another language, written from docs/protocol.md alone, against the real gateway. It holds every frame against
 * docs/protocol.schema.json. A test of it that fails means: the page, the schema or the gateway says something else than the others.
 */

const ROOT = join(import.meta.dirname, "..", "..");
const RUNNER = join(import.meta.dirname, "python", "runner.py");
const hasPython = spawnSync("python3", ["-c", "import sys; sys.exit(sys.version_info < (3, 9))"]).status === 0;
if (!hasPython) process.stdout.write("skipped: there is no python3 from 3.9 on (scripts/install-test-tools.ts)\n");

interface Told {
  readonly event: string;
  readonly [fact: string]: unknown;
}

/** The runner's process, and what it tells of itself. */
class PythonRunner {
  readonly told: Told[] = [];
  errors = "";
  readonly #child: ChildProcess;

  constructor(settings: string) {
    const env = { PATH: process.env["PATH"] ?? "", PYTHONDONTWRITEBYTECODE: "1" };
    this.#child = spawn("python3", [RUNNER, settings], { env, stdio: ["ignore", "pipe", "pipe"] });
    let rest = "";
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.told.push(JSON.parse(line) as Told);
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
    onTestFinished(() => void this.#child.kill("SIGKILL"));
  }

  all(event: string, facts: object = {}): readonly Told[] {
    const fits = (told: Told): boolean => Object.entries(facts).every(([name, value]) => told[name] === value);
    return this.told.filter((told) => told.event === event && fits(told));
  }

  async until(event: string, facts: object = {}): Promise<Told> {
    return eventually(() => {
      const [first] = this.all(event, facts);
      if (first === undefined) throw new Error(`no ${event} ${JSON.stringify(facts)} yet; ${this.errors}`);
      return first;
    }, 20_000);
  }

  /** Answers the exit code; null after a signal. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill(signal);
    await exited;
    return this.#child.exitCode;
  }

  async exited(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      await new Promise((resolve) => this.#child.once("exit", resolve));
  }

  /** Every frame either side has sent fits the schema, in its direction. */
  expectFits(): void {
    expect(this.all("frame").length).toBeGreaterThan(0);
    expect(this.all("frame", { fits: false })).toEqual([]);
    expect(this.errors).toBe("");
  }
}

interface Place {
  readonly gateway: TestGateway;
  readonly directory: string;
  /** Starts the runner, or starts it again where it was. */
  start(faults?: readonly string[]): Promise<PythonRunner>;
  runs(): readonly string[];
  ended(runId: string): Promise<RunView>;
  wholeLog(runId: string): Promise<string>;
}

async function place(script: string): Promise<Place> {
  const gateway = await TestGateway.start();
  const directory = await temporaryDirectory();
  const [secrets, data] = [join(directory, "secrets"), join(directory, "data")];
  await mkdir(join(secrets, "shop"), { recursive: true });
  await writeFile(join(secrets, "shop", "connection"), "pa55word of the shop\n");
  await writeFile(join(directory, "program.sh"), script);
  await writeFile(join(directory, "token"), (await gateway.token({ runnerId: "alpha" })).text, { mode: 0o600 });
  return {
    gateway,
    directory,
    async start(faults = []) {
      const settings = join(directory, "settings.json");
      const url = gateway.url.replace(/^http/, "ws");
      const schema = join(ROOT, "docs", "protocol.schema.json");
      const command = ["sh", join(directory, "program.sh"), directory];
      const token = join(directory, "token");
      await writeFile(
        settings,
        JSON.stringify({ runnerId: "alpha", url, token, data, schema, secrets, command, faults }),
      );
      return new PythonRunner(settings);
    },
    runs: () => readdirSync(join(data, "runs")).filter((name) => !name.startsWith(".")),
    ended: (runId) =>
      eventually(async () => {
        const run = await gateway.run(runId);
        if (run.endedAt === undefined) throw new Error(`the run is ${run.state}`);
        return run;
      }, 20_000),
    wholeLog: (runId) =>
      eventually(async () => {
        const page = await gateway.ask<LogPageView>("GET", `/api/v1/runs/${runId}/logs?limit=1048576`);
        if (!page.complete || !page.verified) throw new Error(`${page.text.length} characters, not whole`);
        return page.text;
      }, 20_000),
  };
}

/** Waits for the file `go`, for at most half a minute. */
const WAIT = 'i=0; while [ ! -e "$1/go" ] && [ $i -lt 600 ]; do sleep 0.05; i=$((i+1)); done\n';

describe.skipIf(!hasPython)("a runner written from the page", () => {
  test("gets in step, takes a pipeline, runs it, masks its secrets, and forgets it when all of it is acknowledged", async () => {
    const script = `printf '%s\\n' "$config" > "$1/config.json"
echo "connection: $config"
printf 'half\\rwhole\\r\\n\\303\\244\\n'
i=0; while [ $i -lt 20000 ]; do echo "line $i of the log"; i=$((i+1)); done
exit 3
`;
    const { gateway, directory, start, ended, wholeLog, runs } = await place(script);
    const { pipelineId } = await gateway.deployed({
      sourceConfig: { kept: exactNumber("1234567890123456789"), replaced: 1 },
      botToken: "bot-token-of-the-pipeline",
    });
    const runner = await start();
    expect(await runner.until("inStep")).toMatchObject({ fetched: 1 });
    await runner.until("verdict", { operation: "pipeline.deploy", outcome: "accepted" });
    const { runId } = await gateway.startRun(pipelineId, { sourceConfigOverride: { replaced: exactNumber("1e-7") } });
    expect(await ended(runId)).toMatchObject({ state: "failed", exitCode: 3, failure: { category: "ExitCode" } });
    const log = await wholeLog(runId);
    expect(log).not.toContain("pa55word");
    expect(log).toContain("half\nwhole\nä\nline 0 of the log\n");
    const handed = readFileSync(join(directory, "config.json"), "utf8");
    expect(handed).toContain("pa55word of the shop");
    expect(handed).toContain('{"kept":1234567890123456789,"replaced":1.0e-7}');
    expect(createHash("sha256").update(log).digest("hex")).toBe((await gateway.run(runId)).logEnd?.sha256);
    await runner.until("released", { runId });
    expect(runs()).toEqual([]);
    runner.expectFits();
  });

  test("stops a run, tells its status, and removes a deleted pipeline", async () => {
    const { gateway, start, ended } = await place(`echo begun\n${WAIT}`);
    const { pipelineId } = await gateway.deployed();
    const runner = await start();
    await runner.until("verdict", { operation: "pipeline.deploy" });
    const { runId } = await gateway.startRun(pipelineId);
    await eventually(async () => expect((await gateway.run(runId)).state).toBe("running"));
    expect(await gateway.ask("GET", "/api/v1/runners/alpha/status")).toMatchObject({ healthy: true });
    await gateway.ask("POST", `/api/v1/runs/${runId}/stop`);
    expect(await ended(runId)).toMatchObject({ state: "stopped" });
    const { runId: another } = await gateway.startRun(pipelineId);
    await eventually(async () => expect((await gateway.run(another)).state).toBe("running"));
    const told = await gateway.ask("POST", `/api/v1/pipelines/${pipelineId}/stop`);
    expect(told).toEqual({ runs: [another], told: true });
    expect(await ended(another)).toMatchObject({ state: "stopped" });
    await gateway.ask("DELETE", `/api/v1/pipelines/${pipelineId}`);
    await runner.until("verdict", { operation: "pipeline.delete", outcome: "accepted" });
    runner.expectFits();
  });

  test("says that it has no schedules, and people see the pipeline refused", async () => {
    const { gateway, start } = await place("exit 0\n");
    const { pipelineId } = await gateway.deployed({ schedule: { cron: "@daily" } });
    const runner = await start();
    await runner.until("verdict", { operation: "pipeline.deploy", outcome: "unsupported" });
    await eventually(async () =>
      expect(await gateway.ask("GET", "/api/v1/runners/alpha")).toMatchObject({
        refused: [{ pipelineId, reason: "unsupported", message: "this runner has no schedules" }],
      }),
    );
    runner.expectFits();
  });

  test("is killed with a live run and goes on with its log where the gateway has it", async () => {
    const { gateway, directory, start, ended, wholeLog } = await place(`echo before\n${WAIT}echo after\n`);
    const { pipelineId } = await gateway.deployed();
    const first = await start();
    await first.until("verdict", { operation: "pipeline.deploy" });
    const { runId } = await gateway.startRun(pipelineId);
    await eventually(async () => expect((await gateway.run(runId)).logBytes).toBe(7));
    await first.end("SIGKILL");
    await writeFile(join(directory, "go"), "");
    const second = await start();
    expect(await second.until("inStep")).toMatchObject({ fetched: 0, cursors: { [runId]: 7 } });
    expect(await ended(runId)).toMatchObject({ state: "success" });
    expect(await wholeLog(runId)).toBe("before\nafter\n");
    first.expectFits();
    second.expectFits();
  });

  test.each([
    ["that it lists is taken as accepted", [], []],
    ["that it doesn't list is offered again and is a duplicate", ["hide-runs"], ["duplicate"]],
  ])("a run whose verdict got lost and %s: it runs once", async (_which, faults, outcomes) => {
    const { gateway, directory, start, ended } = await place('echo once >> "$1/starts"\n');
    const { pipelineId } = await gateway.deployed();
    const first = await start(["die-before-verdict"]);
    await first.until("verdict", { operation: "pipeline.deploy" });
    const { runId } = await gateway.startRun(pipelineId);
    await first.exited();
    const second = await start(faults);
    expect(await ended(runId)).toMatchObject({ state: "success" });
    expect(readFileSync(join(directory, "starts"), "utf8")).toBe("once\n");
    const verdicts = second.all("verdict", { operation: "run.start" }).map(({ outcome }) => outcome);
    expect(verdicts).toEqual(outcomes);
    second.expectFits();
  });

  test("an end whose acknowledgement got lost is told again, and stays what it was", async () => {
    const { gateway, start, ended, wholeLog } = await place("echo done\n");
    const { pipelineId } = await gateway.deployed();
    const runner = await start(["cut-after-end"]);
    await runner.until("verdict", { operation: "pipeline.deploy" });
    const { runId } = await gateway.startRun(pipelineId);
    await runner.until("cut", { runId });
    await runner.until("released", { runId });
    expect(await ended(runId)).toMatchObject({ state: "success", exitCode: 0 });
    expect(await wholeLog(runId)).toBe("done\n");
    expect(runner.all("inStep")).toHaveLength(2);
    runner.expectFits();
  });

  test("shuts down in order while a run is live, and brings its end when it is back", async () => {
    const { gateway, directory, start, ended } = await place(WAIT);
    const { pipelineId } = await gateway.deployed();
    const first = await start();
    await first.until("verdict", { operation: "pipeline.deploy" });
    const { runId } = await gateway.startRun(pipelineId);
    await eventually(async () => expect((await gateway.run(runId)).state).toBe("running"));
    expect(await first.end("SIGTERM")).toBe(0);
    expect(first.all("ended")).toMatchObject([{ name: "normal" }]);
    const { runId: later } = await gateway.startRun((await gateway.deployed()).pipelineId);
    await writeFile(join(directory, "go"), "");
    const second = await start();
    for (const id of [runId, later]) expect(await ended(id)).toMatchObject({ state: "success" });
    second.expectFits();
  });
});

test.skipIf(!hasPython)("the JSON Schema says of every golden frame what the codec says", () => {
  const frames = join(ROOT, "test", "fixtures", "frames");
  expect(existsSync(frames)).toBe(true);
  const script = `
import json, pathlib, sys
sys.path.insert(0, ${JSON.stringify(join(import.meta.dirname, "python"))})
from schema import Schema
schema = Schema(${JSON.stringify(join(ROOT, "docs", "protocol.schema.json"))})
said = {}
for path in pathlib.Path(${JSON.stringify(frames)}).glob("*/*.json"):
    told = json.loads(path.read_text())
    try:
        frame = told["frame"] if "frame" in told else json.loads(told["text"])
    except ValueError:
        continue
    said[f"{path.parent.name}/{path.stem}"] = schema.fits(frame, told["direction"])
print(json.dumps(said))`;
  const { stdout, stderr } = spawnSync("python3", ["-c", script], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "", PYTHONDONTWRITEBYTECODE: "1" },
  });
  expect(stderr).toBe("");
  const said = Object.entries(JSON.parse(stdout) as Record<string, boolean>);
  expect(said.length).toBeGreaterThan(90);
  // What a schema can't say: how many bytes a text has, and how deep a value is nested.
  const beyond = ["bad/log-of-too-many-bytes", "bad/half-a-surrogate-pair", "bad/too-deep"];
  const wrong = said.filter(([name, fits]) => fits !== name.startsWith("good/") && !beyond.includes(name));
  expect(wrong.map(([name]) => name)).toEqual([]);
});
