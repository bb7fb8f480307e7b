import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Site } from "./site.ts";

/** Prints the configuration's connection and hands its hash to the outside, where the test compares it. */
const PRINT = 'printf "%s\\n" "$config"\nprintf "%s" "$config" > "$OUT/config-$pipelineRunId.json"\n';

async function openSite(): Promise<Site> {
  const site = await Site.open();
  await site.script("metadata", PRINT);
  await site.startRunner();
  await site.connected();
  return site;
}

async function received(site: Site, runId: string): Promise<unknown> {
  const config = JSON.parse(await readFile(join(site.directory, `config-${runId}.json`), "utf8")) as {
    source: { serviceConnection: { config: unknown } };
  };
  return config.source.serviceConnection.config;
}

test("secrets with newlines, quotes, dollars and unicode arrive exactly and never leave", async () => {
  const site = await openSite();
  const values: Record<string, string> = {
    newlines: "first line of it\nsecond line of it\n\nlast line of it",
    quotes: `say "hello" and 'goodbye' \\ now`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the value under test looks like one
    dollars: "pay $100 or ${HOME} or $(id) `id`",
    unicode: "пароль-密码-🔑-öäü",
    plain: "correct-horse-battery-staple",
  };
  for (const [name, value] of Object.entries(values)) await site.secret(`odd/${name}`, value);
  const connection = Object.fromEntries(Object.keys(values).map((name) => [name, `secret:/odd/${name}`]));
  const runId = await site.start(await site.deploy("metadata", { connection }));
  expect((await site.ended(runId)).state).toBe("success");
  expect(await received(site, runId)).toEqual(values);
  const log = await site.wholeLog(runId);
  const intent = await readFile(join(site.runnerData(), "runs", runId, "intent.json"), "utf8");
  for (const value of Object.values(values)) {
    for (const part of value.split("\n").filter((line) => line.length >= 4)) {
      for (const text of [log, intent]) {
        expect(text).not.toContain(part);
        expect(text).not.toContain(JSON.stringify(part).slice(1, -1));
      }
    }
  }
});

test("an empty secret fails the run, unless its reference allows it", async () => {
  const site = await openSite();
  await site.secret("empty", "");
  const allowed = await site.start(
    await site.deploy("metadata", { connection: { password: "secret:/empty?empty=allowed" } }),
  );
  expect((await site.ended(allowed)).state).toBe("success");
  expect(await received(site, allowed)).toEqual({ password: "" });
  const refused = await site.start(await site.deploy("metadata", { connection: { password: "secret:/empty" } }));
  const { state, failure } = await site.ended(refused);
  expect(state).toBe("failed");
  expect(failure).toMatchObject({ category: "SecretUnresolved" });
  expect(JSON.stringify(failure)).toContain("(empty)");
});

test("a missing secret fails the run before the program starts, with reference, provider and reason", async () => {
  const site = await openSite();
  await site.secret("present", "present-value-1234");
  const runId = await site.start(
    await site.deploy("metadata", { connection: { a: "secret:/present", b: "secret:/not/there" } }),
  );
  const run = await site.ended(runId);
  expect(run).toMatchObject({ state: "failed", failure: { category: "SecretUnresolved" } });
  const told = JSON.stringify(run.failure);
  expect(told).toContain("secret:/not/there");
  expect(told).toContain("file");
  expect(told).toMatch(/not found/i);
  expect(told).not.toContain("present-value");
  await expect(received(site, runId)).rejects.toThrow("ENOENT");
});

test("a key of a JSON secret is found by the documented path form", async () => {
  const site = await openSite();
  await site.secret("my/database/credentials", '{"username":"reader-of-things","password":"p4ssw0rd-of-it"}');
  const connection = {
    username: "secret:/my/database/credentials/username",
    password: "secret:/my/database/credentials#password",
  };
  const runId = await site.start(await site.deploy("metadata", { connection }));
  expect((await site.ended(runId)).state).toBe("success");
  expect(await received(site, runId)).toEqual({ username: "reader-of-things", password: "p4ssw0rd-of-it" });
  expect(await site.wholeLog(runId)).not.toContain("p4ssw0rd-of-it");
});

test("a secret of 1 MB goes through a file and is refused with advice where only the environment is there", async () => {
  const site = await Site.open();
  await site.secret("large", "x7".repeat(524_288));
  await site.script("metadata", 'wc -c < "$1"\n');
  const viaFile = JSON.stringify(["/bin/sh", "-c", 'wc -c < "$0" | tr -d " "', "{config}"]);
  const first = await site.startRunner({ environment: { INGESTION_COMMAND: viaFile } });
  await site.connected();
  const pipelineId = await site.deploy("metadata", { connection: { password: "secret:/large" } });
  const runId = await site.start(pipelineId);
  expect((await site.ended(runId)).state).toBe("success");
  expect(Number((await site.wholeLog(runId)).trim())).toBeGreaterThan(1_048_576);
  await first.end("SIGTERM");
  await site.startRunner();
  await site.connected();
  const run = await site.ended(await site.start(pipelineId));
  expect(run).toMatchObject({ state: "failed", failure: { category: "ConfigError" } });
  expect(JSON.stringify(run.failure)).toContain("{config}");
});

test("the program sees no token of the runner", async () => {
  const site = await Site.open();
  await site.script("metadata", 'env | sort\ncat /proc/$PPID/environ 2>/dev/null | tr "\\0" "\\n" | sort\n');
  const token = await site.token();
  await site.startRunner({ environment: { AUTH_TOKEN: token } });
  await site.connected();
  const runId = await site.start(await site.deploy("metadata"));
  expect((await site.ended(runId)).state).toBe("success");
  const log = await site.wholeLog(runId);
  expect(log).toContain("pipelineRunId=");
  expect(log).toContain("PYTHONUNBUFFERED=1");
  expect(log).not.toContain(token);
  expect(log).not.toContain("AUTH_TOKEN");
});
