import { readdir, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { createLog } from "../../src/base/log.ts";
import { runFilesPrefix } from "../../src/runtime/memory-directory.ts";
import { groupLives } from "../../src/runtime/process.ts";
import { MASK } from "../../src/secrets/redactor.ts";
import { runWrapped, type WrappedEnd } from "../../src/wrapper/wrapper.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { nodeScript, optionsFor, runProgram } from "./run-program.ts";

const SECRET = `p@"ss/w\\rd $HOME 'q' ü🔑\nsecond-line`;
const printConfig = ["sh", "-c", 'printf "%s" "$config"'];

/** Leftover directories of configuration files of one run. */
async function configDirectories(mark: string): Promise<string[]> {
  const places = ["/dev/shm", tmpdir(), process.env["XDG_RUNTIME_DIR"] ?? "/nonexistent"];
  const names = await Promise.all(places.map((place) => readdir(place).catch((): string[] => [])));
  return names.flat().filter((name) => name.startsWith(runFilesPrefix(mark)));
}

describe("runWrapped hands the configuration over", () => {
  test("in the variable config, with resolved values and the contract's variables", async () => {
    const script = `
      import { createHash } from "node:crypto";
      const config = JSON.parse(process.env.config);
      const { PATH, PWD, SHLVL, _, OLDPWD, config: _c, ...rest } = process.env;
      const hash = createHash("sha256").update(config.password).digest("hex");
      console.log(JSON.stringify({ ...config, password: hash, rest }));`;
    const { end, text } = await runProgram(
      nodeScript(script),
      { "/db/password": SECRET, "/plain": "pl4in" },
      {
        config: { user: "admin", password: "secret:/db/password", ingestionPipelineFQN: "shop.metadata" },
        environment: { PATH: process.env["PATH"] ?? "", EXTRA: "secret:/plain", PYTHONUNBUFFERED: "0" },
        pipelineType: "metadata",
        runId: "5ae8bd7c-0000-4000-8000-000000000001",
        mark: "mark-1",
      },
    );
    expect(end).toEqual({ kind: "exited", exitCode: 0 });
    expect(JSON.parse(text)).toEqual({
      user: "admin",
      password: await sha256(SECRET),
      ingestionPipelineFQN: "shop.metadata",
      pipelineRunId: "5ae8bd7c-0000-4000-8000-000000000001",
      rest: {
        EXTRA: MASK,
        PYTHONUNBUFFERED: "1",
        HYBRID_RUNNER_RUN_MARK: "mark-1",
        pipelineType: "metadata",
        pipelineRunId: "5ae8bd7c-0000-4000-8000-000000000001",
        ingestionPipelineFQN: "shop.metadata",
      },
    });
  });

  test("in a private file for {config}, without $ in it, which is gone afterwards", async () => {
    const mark = crypto.randomUUID();
    const script = `
      import { readFileSync, statSync } from "node:fs";
      import { createHash } from "node:crypto";
      import { dirname, join } from "node:path";
      const path = process.argv[1].slice(4);
      const text = readFileSync(path, "utf8");
      const mode = (p) => (statSync(p).mode & 0o777).toString(8);
      const hash = createHash("sha256").update(JSON.parse(text).password).digest("hex");
      console.log(JSON.stringify({ path, dollar: text.includes("$"), file: mode(path), directory: mode(dirname(path)), hash, env: "config" in process.env }));`;
    const { end, text } = await runProgram(
      [...nodeScript(script), "cfg={config}"],
      { "/db/password": SECRET },
      {
        config: { password: "secret:/db/password", cost: "5$" },
        mark,
      },
    );
    expect(end).toEqual({ kind: "exited", exitCode: 0 });
    const seen = JSON.parse(text) as Record<string, string>;
    expect(seen).toMatchObject({
      dollar: false,
      file: "600",
      directory: "700",
      hash: await sha256(SECRET),
      env: false,
    });
    expect(seen["path"]).toMatch(/\.json$/);
    await expect(stat(dirname(seen["path"] ?? ""))).rejects.toThrow("ENOENT");
    expect(await configDirectories(mark)).toEqual([]);
  });

  test("of a megabyte, in a file and masked when it is printed", async () => {
    const secret = Array.from({ length: 65_536 }, (_, i) =>
      `${(i * 2_654_435_761) % 4_294_967_296}`.padStart(16, "x"),
    ).join("");
    expect(secret.length).toBe(1_048_576);
    const { end, text } = await runProgram(
      ["sh", "-c", 'cat "$0"; cat "$0" | base64 -w0', "{config}"],
      { big: secret },
      {
        config: { a: "secret:big" },
      },
    );
    expect(end).toEqual({ kind: "exited", exitCode: 0 });
    expect(text).toMatch(/^\{"a":"\[redacted\]"\}[A-Za-z0-9+/=]{0,24}\[redacted\][A-Za-z0-9+/=]{0,8}$/);
  });

  test("of more than 120 KiB without {config} not at all, with advice that names it", async () => {
    const mark = crypto.randomUUID();
    const { end, text } = await runProgram(
      printConfig,
      { big: "x".repeat(122_880) },
      { config: { a: "secret:big" }, mark },
    );
    expect(end).toMatchObject({ kind: "notStarted", category: "ConfigError" });
    expect((end as { advice: string }).advice).toContain("{config}");
    expect(text).toBe("");
    const fits = await runProgram(
      nodeScript("console.log(process.env.config.length)"),
      { big: "x".repeat(122_880 - 8) },
      { config: { a: "secret:big" } },
    );
    expect(fits.text).toBe("122880\n");
  });

  test("not when a variable would hold a NUL, and says which", async () => {
    const { end } = await runProgram(["true"], { nul: "n33dle\0n33dle" }, { environment: { PASSWORD: "secret:nul" } });
    expect(end).toMatchObject({ kind: "notStarted", category: "ConfigError" });
    expect(inspect(end)).toContain("PASSWORD");
    expect(inspect(end)).not.toContain("n33d");
  });

  test.each([
    ["empty", ""],
    ["with dollars", "$HOME $\u007bx} $$ $& $1"],
    ["that looks like JSON", '{"user":"x"}'],
    ["with a line separator", "a\u2028b\u0085c\u007f"],
  ])("with a secret %s unchanged, in both ways", async (_what, secret) => {
    const hash = await sha256(secret);
    const script = (text: string): readonly string[] =>
      nodeScript(`import { createHash } from "node:crypto"; import { readFileSync } from "node:fs";
        console.log(createHash("sha256").update(JSON.parse(${text}).a).digest("hex"));`);
    const config = { a: "secret:x?empty=allowed" };
    expect((await runProgram(script("process.env.config"), { x: secret }, { config })).text).toBe(`${hash}\n`);
    const inFile = [...script('readFileSync(process.argv[1], "utf8")'), "{config}"];
    expect((await runProgram(inFile, { x: secret }, { config })).text).toBe(`${hash}\n`);
  });
});

describe("runWrapped lets nothing through", () => {
  test("masks a secret under every spelling, on both streams", async () => {
    const script = `
      const s = JSON.parse(process.env.config).password;
      const b = Buffer.from(s);
      const all = [s, JSON.stringify(s), JSON.stringify(process.env.config), encodeURIComponent(s), new URLSearchParams({ s }).toString(),
        b.toString("base64"), b.toString("base64url"), Buffer.from("user:" + s).toString("base64"), Buffer.from("u:" + s).toString("base64"),
        s.split("\\n")[1], JSON.stringify({ ["$x"]: s }).replaceAll("$", "\\\\u0024")];
      for (const text of all) { console.log("out <" + text + ">"); console.error("err <" + text + ">"); }`;
    const { end, text } = await runProgram(nodeScript(script), { p: SECRET }, { config: { password: "secret:p" } });
    expect(end).toEqual({ kind: "exited", exitCode: 0 });
    expect(text.split("\n").filter((line) => line.startsWith("out <"))).toHaveLength(11);
    expect(text.split("\n").filter((line) => line.startsWith("err <"))).toHaveLength(11);
    expect(text.split(MASK)).toHaveLength(23);
    for (const part of [
      "ss/w",
      "ss%2Fw",
      "second-line",
      "HOME",
      Buffer.from("second-li").toString("base64").slice(2, 10),
    ]) {
      expect(text).not.toContain(part);
    }
  });

  test("masks the bot token of the configuration, wherever a workflow has it", async () => {
    const [workflows, applications] = ["workflow-token-eyJhbGci", "application-token-eyJhbGci"];
    const config = {
      workflowConfig: { openMetadataServerConfig: { securityConfig: { jwtToken: workflows } } },
      openMetadataServerConnection: { securityConfig: { jwtToken: applications } },
      source: { jwtToken: "not a bot's" },
    };
    const { end, text } = await runProgram(nodeScript("console.log(process.env.config)"), {}, { config });
    expect(end).toEqual({ kind: "exited", exitCode: 0 });
    expect(text.split(MASK)).toHaveLength(3);
    expect(text).toContain("not a bot's");
    for (const token of [workflows, applications]) expect(text).not.toContain(token);
  });

  test("masks what is printed in two writes, and in two writes inside a character", async () => {
    const script = `
      const bytes = Buffer.from("<" + JSON.parse(process.env.config).p + ">\\n");
      for (const at of [1, 3, 7, bytes.length - 4]) {
        process.stdout.write(bytes.subarray(0, at));
        await new Promise((done) => setTimeout(done, 400));
        process.stdout.write(bytes.subarray(at));
        await new Promise((done) => setTimeout(done, 50));
      }`;
    const { text } = await runProgram(nodeScript(script), { p: "geheim-wörd-🔑" }, { config: { p: "secret:p" } });
    expect(text).toBe(`<${MASK}>\n`.repeat(4));
  });

  test("keeps the streams' secrets apart and their lines whole", async () => {
    const script = `
      const pause = () => new Promise((done) => setTimeout(done, 30));
      for (let i = 0; i < 10; i++) {
        process.stdout.write("out-first "); await pause();
        process.stderr.write("err-first "); await pause();
        process.stdout.write("out-second\\n"); process.stderr.write("err-second\\n"); await pause();
      }`;
    const { text } = await runProgram(nodeScript(script));
    expect(text.split("\n").sort()).toEqual([
      "",
      ...Array(10).fill("err-first err-second"),
      ...Array(10).fill("out-first out-second"),
    ]);
  });

  test("shows an unfinished line after a moment", async () => {
    let text = "";
    const stop = new AbortController();
    const options = {
      ...(await optionsFor(["sh", "-c", "printf 'Password? '; exec sleep 60"])),
      stop: stop.signal,
      output: async (piece: string) => {
        text += piece;
      },
    };
    const end = runWrapped(options);
    await eventually(() => expect(text).toBe("Password? "));
    stop.abort();
    expect(await end).toMatchObject({ kind: "stopped" });
  });

  test("turns bytes that are not UTF-8 into U+FFFD", async () => {
    const { text } = await runProgram(["sh", "-c", "printf 'a\\377b\\n'; printf 'end\\303'"]);
    expect(text).toBe("a\uFFFDb\nend\uFFFD");
  });

  test("never starts the program with a reference that can't be resolved", async () => {
    const config = { a: "secret:/there", b: ["secret:/missing/one"] };
    const { end, text } = await runProgram(
      ["sh", "-c", "echo started"],
      { there: "n33dle-x" },
      { config, environment: { X: "secret:/missing/two" } },
    );
    expect(text).toBe("");
    expect(end).toMatchObject({ kind: "notStarted", category: "SecretUnresolved" });
    expect(inspect(end)).toMatch(/secret:\/missing\/one \(not found\)/);
    expect(inspect(end)).toMatch(/secret:\/missing\/two \(not found\)/);
    expect(inspect(end)).not.toContain("n33d");
  });

  test("masks what variables hold that are named like credentials or told to, and passwords in addresses", async () => {
    const hidden = {
      AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG",
      DB_PASSWORD: "hunter2hunter2",
      GITHUB_TOKEN: "ghp_16C7e42F292c69",
      SNOWFLAKE_PASSPHRASE: "open sesame now",
      MY_PIN_OF_THE_DAY: "pin-448812",
    };
    const shown = { AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE", AWS_DEFAULT_REGION: "eu-west-1", USE_TOKEN: "true" };
    const addresses = {
      HTTPS_PROXY: "http://scott:t1ger-t1ger@proxy:3128",
      SHOP: "postgresql://me:p%40ssw0rd@db/shop",
    };
    const script =
      "console.log(JSON.stringify(process.env)); console.log('t1ger-t1ger p@ssw0rd', process.env.DB_PASSWORD)";
    const { text } = await runProgram(
      nodeScript(script),
      {},
      {
        environment: { ...hidden, ...shown, ...addresses },
        maskedVariables: ["my_pin*"],
      },
    );
    for (const value of [...Object.values(hidden), "t1ger-t1ger", "p%40ssw0rd", "p@ssw0rd"])
      expect(text).not.toContain(value);
    for (const value of [...Object.values(shown), "http://scott:", "@proxy:3128", "@db/shop"])
      expect(text).toContain(value);
  });

  test("tells what looks like a reference and isn't one, by its place and not by its text", async () => {
    const notes: string[] = [];
    const config = {
      a: { b: [" secret:/n33dle/x"] },
      c: "SECRET:/n33dle",
      d: "x://u:secret:/n33dle@h",
      e: "secret:x",
      f: "prose",
    };
    const onNote = async (note: string): Promise<void> => void notes.push(note);
    const { end } = await runProgram(
      ["true"],
      { x: "a value" },
      { config, environment: { G: "Secret:/n33dle" }, onNote },
    );
    expect(end).toEqual({ kind: "exited", exitCode: 0 });
    const places = notes.map((note) => note.split(" looks like a reference to a secret")[0]);
    expect(places.toSorted()).toEqual(["config.a.b.0", "config.c", "config.d", "environment.G"]);
    expect(notes.join()).not.toContain("n33dle");
  });

  test("masks its own messages", async () => {
    const { end } = await runProgram(["/nowhere/geheim-name"], { p: "geheim-name" }, { config: { p: "secret:p" } });
    expect(end).toMatchObject({ kind: "notStarted", category: "StartFailed", reason: "notFound" });
    expect(inspect(end)).not.toContain("geheim");
    expect(inspect(end)).toContain(MASK);
  });

  test("warns about secrets that are too short to be masked, without the value", async () => {
    const lines: string[] = [];
    const log = createLog({
      clock: systemClock,
      level: "warn",
      format: "text",
      write: (line) => void lines.push(line),
    });
    const notes: string[] = [];
    const onNote = async (note: string): Promise<void> => void notes.push(note);
    await runProgram(
      ["true"],
      { p: "xyz", q: "long-enough" },
      { config: { p: "secret:p", q: "secret:q" }, log, onNote },
    );
    expect(lines.join("")).toContain("reference=secret:p");
    expect(notes).toEqual([
      "the value of secret:p has fewer than 4 characters, or is a common word or a row of signs, so it is not masked in this log",
    ]);
    expect(lines.join("")).not.toContain("xyz");
  });

  test("leaves no file with a secret when the program can't be started", async () => {
    const mark = crypto.randomUUID();
    await runProgram(["/nowhere", "{config}"], { p: "geheim" }, { config: { p: "secret:p" }, mark });
    expect(await configDirectories(mark)).toEqual([]);
  });
});

describe("runWrapped tells how it ended", () => {
  test.each([
    ["exit 0", { kind: "exited", exitCode: 0 }],
    ["exit 3", { kind: "exited", exitCode: 3 }],
    ["kill -9 $$", { kind: "signaled", signal: "SIGKILL" }],
    ["kill -TERM $$", { kind: "signaled", signal: "SIGTERM" }],
  ] satisfies [string, WrappedEnd][])("%s", async (script, expected) => {
    expect((await runProgram(["sh", "-c", script])).end).toEqual(expected);
  });

  test.each([
    ["a missing program", ["hybrid-runner-no-such-program"], "notFound"],
    ["a directory", ["/tmp"], "notExecutable"],
  ])("%s", async (_what, command, reason) => {
    const { end } = await runProgram(command);
    expect(end).toMatchObject({ kind: "notStarted", category: "StartFailed", reason });
  });

  test("a file that may not be executed", async () => {
    const path = join(await temporaryDirectory(), "program");
    await writeFile(path, "#!/bin/sh\n", { mode: 0o644 });
    const { end } = await runProgram([path]);
    expect(end).toMatchObject({ kind: "notStarted", category: "StartFailed", reason: "notExecutable" });
  });

  test("a missing working directory and an empty command", async () => {
    const { end } = await runProgram(["true"], {}, { cwd: "/no/such/directory" });
    expect(end).toMatchObject({ kind: "notStarted", category: "StartFailed", reason: "other" });
    expect(inspect(end)).toContain("/no/such/directory");
    expect((await runProgram([])).end).toMatchObject({ kind: "notStarted", category: "ConfigError" });
  });

  test("all output comes before the end, however slow the receiver", async () => {
    let text = "";
    const output = async (piece: string): Promise<void> => {
      await new Promise((done) => setTimeout(done, 20));
      text += piece;
    };
    await runProgram(["sh", "-c", "seq 1 200000"], {}, { output });
    expect(text.endsWith("\n199999\n200000\n")).toBe(true);
    expect(text.split("\n")).toHaveLength(200_001);
  });

  test("a slow receiver slows the program down", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((done) => {
      release = done;
    });
    let ended = false;
    let length = 0;
    const run = runProgram(
      ["sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' 'x'"],
      {},
      {
        output: async (piece) => {
          length += piece.length;
          await gate;
        },
      },
    ).finally(() => {
      ended = true;
    });
    await new Promise((done) => setTimeout(done, 1000));
    expect(ended).toBe(false);
    expect(length).toBeLessThan(2_000_000);
    release();
    expect((await run).end).toEqual({ kind: "exited", exitCode: 0 });
    expect(length).toBe(20_000_000);
  });

  test("a child that holds the output open delays the end by two seconds at most, and is ended", async () => {
    const { end, text } = await runProgram(["sh", "-c", "sleep 60 & echo child $!; echo done; exit 4"]);
    expect(end).toEqual({ kind: "exited", exitCode: 4 });
    const child = Number(/child (\d+)/.exec(text)?.[1]);
    await eventually(() => expect(() => process.kill(child, 0)).toThrow("ESRCH"));
  });
});

describe("runWrapped ends the program when it is asked to", () => {
  const untilPrinted = async (command: readonly string[], more: Partial<Parameters<typeof runWrapped>[0]> = {}) => {
    const stop = new AbortController();
    const seen = { text: "", pid: 0 };
    const end = runWrapped({
      ...(await optionsFor(command)),
      stop: stop.signal,
      output: async (piece) => {
        seen.text += piece;
      },
      onStarted: async (pid) => {
        seen.pid = pid;
      },
      ...more,
    });
    await eventually(() => expect(seen.text).toContain("ready"));
    return { stop, seen, end };
  };

  test("TERM lets it clean up", async () => {
    const run = await untilPrinted([
      "sh",
      "-c",
      "trap 'echo cleaning; exit 7' TERM; echo ready; while :; do sleep 0.05; done",
    ]);
    run.stop.abort();
    expect(await run.end).toEqual({ kind: "stopped", exitCode: 7 });
    expect(run.seen.text).toContain("cleaning");
  });

  test("KILL after the grace ends one that ignores TERM, with its children", async () => {
    const command = [
      "sh",
      "-c",
      "trap '' TERM; (trap '' TERM; while :; do sleep 0.1; done) & echo ready; while :; do sleep 0.1; done",
    ];
    const run = await untilPrinted(command, { graceMs: 300 });
    run.stop.abort();
    expect(await run.end).toEqual({ kind: "stopped", signal: "SIGKILL" });
    await eventually(async () => expect(await groupLives(run.seen.pid)).toBe(false));
  });

  test("children that outlive their parent get the rest of the grace", async () => {
    const command = [
      "sh",
      "-c",
      "(trap 'sleep 0.5; echo child cleaned; exit' TERM; echo ready; while :; do sleep 0.05; done) & trap 'exit 0' TERM; while :; do sleep 0.05; done",
    ];
    const run = await untilPrinted(command);
    run.stop.abort();
    expect(await run.end).toEqual({ kind: "stopped", exitCode: 0 });
    expect(run.seen.text).toContain("child cleaned");
    expect(await groupLives(run.seen.pid)).toBe(false);
  });

  test("a timeout is an end of its own", async () => {
    const { end } = await runProgram(["sleep", "60"], {}, { timeoutMs: 200 });
    expect(end).toEqual({ kind: "timedOut" });
  });

  test("asked before the start nothing is started", async () => {
    const { end, text } = await runProgram(["echo", "started"], {}, { stop: AbortSignal.abort() });
    expect(end).toEqual({ kind: "stopped" });
    expect(text).toBe("");
  });

  test("asked while secrets are being read nothing is started", async () => {
    const stop = new AbortController();
    const hanging = {
      name: "slow",
      read: () => new Promise<never>(() => undefined),
      check: async () => undefined,
      dispose: async () => undefined,
    };
    const end = runProgram(
      ["echo", "started"],
      {},
      { provider: hanging, config: { a: "secret:x" }, stop: stop.signal },
    );
    stop.abort();
    expect(await end).toEqual({ end: { kind: "stopped" }, text: "" });
    const late = await runProgram(["true"], {}, { provider: hanging, config: { a: "secret:x" }, timeoutMs: 50 });
    expect(late.end).toEqual({ kind: "timedOut" });
  });

  test("a receiver or an onStarted that fails ends the program and is thrown on", async () => {
    const mark = crypto.randomUUID();
    let pid = 0;
    const run = runProgram(
      ["sh", "-c", "while :; do echo line; sleep 0.05; done", "{config}"],
      {},
      {
        config: {},
        mark,
        onStarted: async (started) => {
          pid = started;
        },
        output: async () => {
          throw new Error("disk is full");
        },
      },
    );
    await expect(run).rejects.toThrow("disk is full");
    await eventually(async () => expect(await groupLives(pid)).toBe(false));
    expect(await configDirectories(mark)).toEqual([]);
    const other = runProgram(
      ["sleep", "60"],
      {},
      {
        onStarted: async (started) => {
          pid = started;
          throw new Error("can't note the start");
        },
      },
    );
    await expect(other).rejects.toThrow("can't note the start");
    await eventually(async () => expect(await groupLives(pid)).toBe(false));
  });
});

async function sha256(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Buffer.from(hash).toString("hex");
}
