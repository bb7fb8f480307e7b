import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { evaluateSettings } from "../../src/config/load.ts";
import { readSources } from "../../src/config/read.ts";
import { RUNNER_SETTINGS } from "../../src/config/settings.ts";
import { variablesIn } from "../../src/config/table.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

let file = "";
beforeEach(async () => {
  file = join(await temporaryDirectory(), "runner.yaml");
});

async function read(text: string): Promise<ReturnType<typeof evaluateSettings>> {
  await writeFile(file, text);
  const { sources } = await readSources(["--config", file]);
  return evaluateSettings({ flags: sources.flags, environment: {}, file: sources.file });
}

test.each([
  ["agentId: a\nserverUrl: [n33dle\n", "line 3, column 1"],
  ["agentId: a\n\tserverUrl: n33dle\n", "line 2, column 1"],
  ["agentId: n33dle\nkeepRuns: 1\nagentId: n33dle\n", "line 3, column 1"],
  ["keepRuns: *n33dle\n", "line 1, column 1"],
])("a mistake in %j is told with line and column, and without what stands there", async (text, place) => {
  const error = await read(text).then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  expect(error).toMatchObject({ code: "ConfigInvalid", message: expect.stringContaining(`${file}: ${place}: `) });
  expect(error?.message).not.toContain("n33dle");
});

test.each([
  ["AGENT_ID", "agentId"],
  ["ARGO_NAMESPACE", "ingestionNamespace"],
  ["agentID", "agentId"],
  ["agent-id", "agentId"],
  ["agent_id", "agentId"],
  ["MAX_CONCURENT_RUNS", "maxConcurrentRuns"],
  ["maxConcurentRuns", "maxConcurrentRuns"],
  ["ingestionNamspace", "ingestionNamespace"],
])("%s in the file is told with the key that is meant, %s", async (written, meant) => {
  const { problems } = await read(`${written}: 7\n`);
  expect(problems).toContain(`${written} in the configuration file is not a setting: write ${meant}`);
});

test("what is near no setting is told without a guess", async () => {
  expect((await read("colour: red\n")).problems).toContain("colour in the configuration file is not a setting");
});

test("single values are taken as they are written, empty ones as not set", async () => {
  const { values } = await read(
    'agentId: 0070\ningestionVersion: 1.10\nauthToken: 12345678901234567890\nkeepRuns: 7\nargoToken: "0x1F"\nlogLevel:\nkubeContext: ~\ncontainerSpecFilePath: ""\n',
  );
  expect(values).toMatchObject({ agentId: "0070", ingestionVersion: "1.10", keepRuns: 7, logLevel: "info" });
  expect(values.authToken?.reveal()).toBe("12345678901234567890");
  expect(values.argoToken?.reveal()).toBe("0x1F");
  expect([values.kubeContext, values.containerSpecFilePath]).toEqual([undefined, undefined]);
});

test("a path of the file that isn't whole, or that is a directory, is told by the name it was given under", async () => {
  await expect(readSources(["--config", "~/runner.yaml"])).rejects.toMatchObject({
    code: "ConfigInvalid",
    message: expect.stringContaining("--config must be a whole path"),
  });
  await mkdir(file);
  await expect(readSources(["--config", file])).rejects.toMatchObject({
    code: "ConfigInvalid",
    message: expect.stringContaining(`${file}: it is a directory, and no file`),
  });
});

const nearNames = (environment: Record<string, string>): readonly string[] =>
  evaluateSettings({ flags: {}, environment }).warnings.filter((warning) => warning.includes("is not a setting"));

test("variables that are nearly ours are told", () => {
  expect(
    nearNames({ MAX_CONCURENT_RUNS: "1", INGESTION_NAMSPACE: "a", HYBRID_RUNNER_AGENT_ID: "b", PATH: "/" }),
  ).toEqual([
    "MAX_CONCURENT_RUNS is not a setting and changes nothing: MAX_CONCURRENT_RUNS is meant, perhaps",
    "INGESTION_NAMSPACE is not a setting and changes nothing: INGESTION_NAMESPACE is meant, perhaps",
    "HYBRID_RUNNER_AGENT_ID is not a setting and changes nothing: AGENT_ID is meant, perhaps",
  ]);
  expect(nearNames({ AUTH_TOKN: "" })).toEqual([]);
  expect(nearNames({ HYBRID_RUNNER_SECRET_AGENT_ID: "x", HYBRID_RUNNER_GATEWAY_LOG_LEVEL: "info" })).toEqual([]);
  expect(nearNames({ SECRETS_ENV_PREFIX: "SECRET_", SECRET_DIRECTORY: "x" })).toEqual([]);
});

test("whatever is nearly a variable of ours is told once, whether the right one is set or not", () => {
  for (const meant of [...variablesIn(RUNNER_SETTINGS).keys(), RUNNER_SETTINGS.fileVariable]) {
    for (const near of [meant.replaceAll("_", ""), meant.replaceAll("_", "-"), meant.toLowerCase()]) {
      const told = [`${near} is not a setting and changes nothing: ${meant} is meant, perhaps`];
      expect(nearNames({ [near]: "1" }), near).toEqual(told);
      expect(nearNames({ [near]: "1", [meant]: "2" }), near).toEqual(told);
    }
  }
});
