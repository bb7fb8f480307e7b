import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { processesOf } from "./proc.ts";
import { cleanEnvironment, type RunnerProcess, Site } from "./site.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");
const execute = promisify(execFile);

interface LogView {
  readonly text: string;
  readonly nextOffset: number;
  readonly complete: boolean;
  readonly verified: boolean;
  readonly capped: boolean;
  readonly note?: string;
  readonly gaps: readonly (readonly [number, number])[];
}

function logOf(site: Site, runId: string, after = 0): Promise<LogView> {
  return site.api<LogView>("GET", `/runs/${runId}/logs?after=${after}&limit=1048576`);
}

/** The command `hybrid-runner logs` on the site's data directory. */
async function logsCommand(site: Site, ...args: readonly string[]): Promise<string> {
  const command = [MAIN, "logs", ...args, "--data-directory", site.runnerData()];
  const { stdout } = await execute(process.execPath, command, { env: cleanEnvironment(), maxBuffer: 64_000_000 });
  return stdout;
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has ended`);
  return Number(kilobytes) / 1024;
}

/** A site with a connected runner. */
async function open(
  environment: Readonly<Record<string, string>> = {},
): Promise<{ site: Site; runner: RunnerProcess }> {
  const site = await Site.open();
  const runner = await site.startRunner({ environment });
  await site.connected();
  return { site, runner };
}

test("a gateway killed while a log streams has it whole and proved in the end", { timeout: 300_000 }, async () => {
  const { site } = await open();
  await site.script(
    "metadata",
    'i=0\nwhile [ $i -lt 4000 ]; do echo "line $i ü"; i=$((i+1)); done\nsleep 1\necho end\n',
  );
  await site.script("slow", 'i=0\nwhile [ $i -lt 40 ]; do echo "slow line $i"; i=$((i+1)); sleep 0.1; done\n');
  const runs = [await site.start(await site.deploy("slow")), await site.start(await site.deploy("metadata"))];
  for (let time = 0; time < 2; time++) {
    await eventually(async () => expect((await site.run(runs[0] ?? "")).logBytes).toBeGreaterThan(30 + 200 * time));
    await site.killGateway();
    await site.startGateway();
  }
  for (const runId of runs) expect((await site.ended(runId, 60_000)).state).toBe("success");
  const slow = Array.from({ length: 40 }, (_, number) => `slow line ${number}\n`).join("");
  const fast = Array.from({ length: 4000 }, (_, number) => `line ${number} ü\n`).join("");
  expect(await site.wholeLog(runs[0] ?? "")).toBe(slow);
  expect(await site.wholeLog(runs[1] ?? "")).toBe(`${fast}end\n`);
});

test("200 MB from one run: memory stays bounded, head and tail arrive, all of it is on site", {
  timeout: 300_000,
}, async () => {
  const { site, runner } = await open({ RUN_LOG_LIMIT_MB: "4" });
  await site.script("metadata", 'head -c 200000000 /dev/zero | tr "\\0" x | fold -w 99\nsleep 3\necho the end\n');
  const before = await residentMegabytes(runner.pid);
  const runId = await site.start(await site.deploy("metadata"));
  const supervisor = await eventually(() => {
    const found = processesOf(site.directory).find(({ command }) => command.includes("--run-directory"));
    if (found === undefined) throw new Error("no supervisor yet");
    return found.pid;
  });
  const first = await residentMegabytes(supervisor);
  const peaks = { runner: 0, supervisor: 0 };
  let live: LogView | undefined;
  await eventually(async () => {
    peaks.runner = Math.max(peaks.runner, await residentMegabytes(runner.pid));
    peaks.supervisor = Math.max(peaks.supervisor, await residentMegabytes(supervisor).catch(() => 0));
    const run = await site.run(runId);
    if (run.state === "running" && live === undefined) {
      const view = await logOf(site, runId, 2_000_000);
      if (view.capped) live = view;
    }
    expect(run.state).toBe("success");
  });
  expect(live?.note).toContain("the run goes on");
  expect(peaks.runner - before).toBeLessThan(150);
  expect(peaks.supervisor - first).toBeLessThan(150);
  const bytes = 200_000_000 + Math.floor((200_000_000 - 1) / 99) + "the end\n".length;
  const tail = await eventually(async () => {
    const run = await site.run(runId);
    expect(run.logEnd?.bytes).toBe(bytes);
    expect(run.logBytes).toBe(bytes);
    return logOf(site, runId, bytes - 100);
  });
  expect(tail.text.endsWith("the end\n")).toBe(true);
  expect(tail).toMatchObject({ capped: true, gaps: [[2_000_000, bytes - 4_000_000]] });
  const listed = await logsCommand(site, "--json");
  expect(JSON.parse(listed)).toMatchObject({ runId, state: "success", logBytes: bytes });
});

test("hybrid-runner logs shows a run beside a live runner, follows it to its end, and lists it when it was delivered", {
  timeout: 300_000,
}, async () => {
  const { site } = await open();
  await site.script(
    "metadata",
    'printf "10%%\\r20%%\\r30%%\\r\\ndone\\n"\nwhile [ ! -e "$OUT/release" ]; do sleep 0.2; done\necho "the last line"\n',
  );
  const runId = await site.start(await site.deploy("metadata"));
  await eventually(async () => expect(await logsCommand(site, runId)).toBe("10%\n20%\n30%\ndone\n"));
  const followed = logsCommand(site, runId.slice(0, 8), "--follow");
  await writeFile(join(site.directory, "release"), "");
  expect(await followed).toBe("10%\n20%\n30%\ndone\nthe last line\n");
  expect(await site.wholeLog(runId)).toBe("10%\n20%\n30%\ndone\nthe last line\n");
  await eventually(async () => expect(await logsCommand(site)).toMatch(new RegExp(`^${runId}  success .* delivered`)));
  expect(JSON.parse(await logsCommand(site, runId, "--json"))).toEqual({
    runId,
    offset: 0,
    text: "10%\n20%\n30%\ndone\nthe last line\n",
  });
  await expect(logsCommand(site, "no-such-run")).rejects.toThrow("RunNotOnSite");
});

const PRINT_EVERY_WAY = `
import { writeSync } from "node:fs";
const { password, pin } = JSON.parse(process.env.config).source.serviceConnection.config;
const b64 = (text) => Buffer.from(text).toString("base64");
const fields = Object.values(JSON.parse(password));
const ways = [password, ...fields, b64(password), b64("x" + password), b64("xy" + password), ...fields.map((field) => b64("u:" + field)),
  encodeURIComponent(password), JSON.stringify(password), JSON.stringify({ inner: JSON.stringify({ p: password }) }),
  b64(password).replace(/.{76}/g, "$&\\n"), Buffer.from(password).toString("hex"), password.split("\\n").join("\\r\\n")];
for (const [number, way] of ways.entries())
  for (const byte of Buffer.from("way " + number + ": " + way + "\\n")) writeSync(1, Buffer.of(byte));
writeSync(1, "pin " + pin + "\\n");
`;

test("a multi-line JSON secret printed in every way, byte by byte, shows nothing of six characters; a short one is told of", {
  timeout: 300_000,
}, async () => {
  const { site } = await open();
  const key = Array.from({ length: 4 }, (_, line) => `MIIEvQ${line}IBADANBgkqhkiG9w0BAQEFAASC${line}BKcwggSjAgEAAoIB`);
  const secret = JSON.stringify(
    { user: "reader-of-things", password: `p@"ss/w\\rd §ü`, privateKey: `-----BEGIN\n${key.join("\n")}\n-----END KEY` },
    undefined,
    2,
  );
  await site.secret("composite", secret);
  await site.secret("pin", "7x9");
  await writeFile(join(site.scripts, "print.mjs"), PRINT_EVERY_WAY);
  await site.script("metadata", `exec ${process.execPath} "$SCRIPTS/print.mjs"\n`);
  const connection = { password: "secret:/composite", pin: "secret:/pin" };
  const runId = await site.start(await site.deploy("metadata", { connection }));
  expect((await site.ended(runId)).state).toBe("success");
  const log = await site.wholeLog(runId);
  expect(log.match(/^way \d+: /gm)).toHaveLength(16);
  for (let at = 0; at + 6 <= secret.length; at++) expect(log).not.toContain(secret.slice(at, at + 6));
  for (const encoding of ["base64", "hex"] as const) {
    for (const text of [secret, `x${secret}`, `xy${secret}`]) {
      const encoded = Buffer.from(text).toString(encoding);
      const window = encoding === "base64" ? 8 : 12;
      for (let at = 8; at + window <= encoded.length - 4; at++)
        expect(log).not.toContain(encoded.slice(at, at + window));
    }
  }
  expect(log).toContain("[hybrid-runner: the value of secret:/pin has fewer than 4 characters");
  expect(log).toContain("pin 7x9\n");
});
