import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { POD_VARIABLES } from "../../src/executor/pods/wrapper/wrapper-place.ts";
import { type EndStatement, readEndStatement } from "../../src/protocol/end-statement.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const RUN_ID = "0f8fad5b-d9cb-469f-a165-70867728950e";

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly statement: EndStatement | undefined;
}

interface Started {
  readonly child: ChildProcess;
  readonly printed: { out: string };
  readonly ended: Promise<Ended>;
}

/* `exec --pod` as the manifest starts it; the paths are of a temporary directory in place of the pod's. */
describe("exec --pod", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    await writeFile(join(directory, "db-password"), "pa55word-1");
  });

  function start(command: readonly string[], variables: Record<string, string> = {}): Started {
    const terminationLog = join(directory, "termination-log");
    const env = {
      PATH: process.env["PATH"] ?? "",
      pipelineType: "metadata",
      pipelineRunId: RUN_ID,
      ingestionPipelineFQN: "shop.nightly",
      LD_LIBRARY_PATH: "/instantclient",
      KUBECONFIG: "/of/the/program",
      [POD_VARIABLES.configFile]: join(directory, "config"),
      [POD_VARIABLES.secrets]: JSON.stringify({ provider: "file", path: directory }),
      [POD_VARIABLES.graceSeconds]: "0.4",
      [POD_VARIABLES.terminationLog]: terminationLog,
      ...variables,
    };
    const child = spawn(process.execPath, [main, "exec", "--pod", ...command], { env });
    onTestFinished(() => void child.kill("SIGKILL"));
    const printed = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed.out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      printed.err += text;
    });
    const ended = new Promise<Ended>((resolve) => {
      child.once("close", async (code) => {
        const message = await readFile(terminationLog, "utf8").catch(() => undefined);
        resolve({ code, ...printed, statement: readEndStatement(message) });
      });
    });
    return { child, printed, ended };
  }

  const shell = (script: string, variables?: Record<string, string>): Promise<Ended> =>
    start(["--", "sh", "-c", script], variables).ended;
  const configure = (config: unknown): Promise<void> => writeFile(join(directory, "config"), JSON.stringify(config));
  const digest = (text: string): EndStatement["log"] => ({
    bytes: Buffer.byteLength(text),
    sha256: createHash("sha256").update(text).digest("hex"),
  });

  test("resolves the mounted configuration, masks both streams into standard output, and states end and digest", async () => {
    await configure({ source: { user: "scott", password: "secret:/db-password" } });
    const done = await shell('echo "$config"; echo "ä pa55word-1" >&2; printf "no newline"; exit 5');
    expect(done.out.split("\n").sort()).toEqual([
      "no newline",
      `{"source":{"user":"scott","password":"[redacted]"},"pipelineRunId":"${RUN_ID}"}`,
      "ä [redacted]",
    ]);
    expect(done).toMatchObject({
      code: 5,
      err: "",
      statement: { version: 1, exitCode: 5, secretReads: { file: { found: 1 } }, log: digest(done.out) },
    });
  });

  test("the program gets the image's and the contract's variables, and none of the wrapper's", async () => {
    await configure({});
    const { out } = await shell("env", {
      SERVICE: "secret:db-password",
      AUTH_TOKEN: "runner-token",
      HYBRID_RUNNER_SECRET_OTHER: "other",
    });
    const names = out.split("\n").map((line) => line.split("=")[0]);
    for (const line of [
      "pipelineType=metadata",
      `pipelineRunId=${RUN_ID}`,
      "ingestionPipelineFQN=shop.nightly",
      "LD_LIBRARY_PATH=/instantclient",
      "KUBECONFIG=/of/the/program",
      "SERVICE=[redacted]",
    ])
      expect(out.split("\n")).toContain(line);
    expect(names.filter((name) => /^(HYBRID_RUNNER_|AUTH_TOKEN)/.test(name ?? ""))).toEqual([]);
  });

  test("{config} is a file on a memory file system, gone at the end; a large configuration needs it", async () => {
    const large = "x".repeat(300_000);
    await configure({ password: "secret:db-password", large });
    const done = await start(["--", "sh", "-c", 'wc -c < "$0"; echo "config=$config"; echo "$0"', "{config}"]).ended;
    const [size, variable, path = ""] = done.out.split("\n");
    expect({ code: done.code, variable }).toEqual({ code: 0, variable: "config=" });
    expect(Number(size)).toBeGreaterThan(300_000);
    await expect(readFile(path)).rejects.toThrow("ENOENT");
    const refused = await shell("echo started");
    expect(refused).toMatchObject({ code: 78, statement: { category: "ConfigError" } });
    expect(refused.out).not.toContain("started");
  });

  const failures: readonly (readonly [string, () => Promise<Ended>, number, Partial<EndStatement>, string])[] = [
    [
      "an unresolved secret",
      async () => {
        await configure({ password: "secret:/missing" });
        return shell("echo started");
      },
      70,
      { category: "SecretUnresolved" },
      "secret:/missing (not found)",
    ],
    ["no configuration", () => shell("true"), 78, { category: "ConfigError" }, "there is no "],
    [
      "a configuration that is no JSON",
      async () => {
        await writeFile(join(directory, "config"), "a: n33dle");
        return shell("true");
      },
      78,
      { category: "ConfigError" },
      "no JSON mapping",
    ],
    [
      "settings of a store that it doesn't know",
      () => shell("true", { [POD_VARIABLES.secrets]: '{"provider":"vault","token":"n33dle"}' }),
      78,
      { category: "ConfigError" },
      "provider must be env or file",
    ],
    [
      "a grace that is no number",
      () => shell("true", { [POD_VARIABLES.graceSeconds]: "soon" }),
      78,
      { category: "ConfigError" },
      POD_VARIABLES.graceSeconds,
    ],
    ["no program", () => start(["--"]).ended, 78, { category: "ConfigError" }, "there is none behind exec --pod --"],
    [
      "a missing program",
      async () => {
        await configure({});
        return start(["--", "/no/such/program"]).ended;
      },
      127,
      { category: "StartFailed" },
      "there is no such program",
    ],
    [
      "a program that takes too long",
      async () => {
        await configure({});
        return shell("sleep 60", { [POD_VARIABLES.timeoutSeconds]: "0.3" });
      },
      124,
      { category: "DeadlineExceeded" },
      "",
    ],
    [
      "a program killed by a signal",
      async () => {
        await configure({});
        return shell("kill -9 $$");
      },
      137,
      { signal: "SIGKILL" },
      "",
    ],
  ];
  test.each(failures)("%s has its exit code and its statement, and says why in the log", async (...row) => {
    const [, fail, code, statement, words] = row;
    const done = await fail();
    expect(done).toMatchObject({ code, statement: { ...statement, log: digest(done.out) }, err: "" });
    expect(done.out).toContain(words);
    expect(done.out + JSON.stringify(done.statement)).not.toMatch(/n33dle|started/);
  });

  test("TERM ends the whole group within the grace, and the statement tells how", async () => {
    await configure({});
    const polite = start([
      "--",
      "sh",
      "-c",
      "trap 'echo cleaned; exit 9' TERM; echo ready; while :; do sleep 0.05; done",
    ]);
    await eventually(() => expect(polite.printed.out).toContain("ready"));
    polite.child.kill("SIGTERM");
    const done = await polite.ended;
    expect(done).toMatchObject({ code: 9, statement: { exitCode: 9, log: digest(done.out) } });
    expect(done.out).toContain("cleaned\n");
    const stubborn = start(["--", "sh", "-c", "trap '' TERM; (trap '' TERM; sleep 61) & echo $!; echo ready; wait"]);
    await eventually(() => expect(stubborn.printed.out).toContain("ready"));
    stubborn.child.kill("SIGTERM");
    expect(await stubborn.ended).toMatchObject({ code: 137, statement: { signal: "SIGKILL" } });
    const pid = Number(stubborn.printed.out.split("\n")[0]);
    await eventually(async () => expect(await isRunning(pid)).toBe(false));
  });

  test("a termination log that can't be written changes nothing of the end", async () => {
    await configure({});
    const done = await shell("exit 4", { [POD_VARIABLES.terminationLog]: "/no/such/directory/log" });
    expect(done).toMatchObject({ code: 4, out: "", statement: undefined });
    expect(done.err).toContain("The end statement can't be written");
  });

  test("leaves no file with resolved values behind", async () => {
    const before = await memoryFiles();
    await configure({ password: "secret:db-password" });
    await start(["--", "sh", "-c", "exit 0", "{config}"]).ended;
    expect((await memoryFiles()).filter((name) => !before.includes(name))).toEqual([]);
  });
});

async function memoryFiles(): Promise<string[]> {
  return (await readdir("/dev/shm").catch((): string[] => [])).filter((name) => name.startsWith("hybrid-runner-"));
}

async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return status !== "" && !/\) [ZX] /.test(status);
}
