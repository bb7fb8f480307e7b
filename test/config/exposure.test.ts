import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { exposures, openFile } from "../../src/config/exposure.ts";
import { evaluateSettings } from "../../src/config/load.ts";
import { SETTING_KEYS, SETTINGS } from "../../src/config/settings.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

let directory = "";
beforeEach(async () => {
  directory = await temporaryDirectory();
  await chmod(directory, 0o755);
});

async function file(name: string, mode: number): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, "secret");
  await chmod(path, mode);
  return path;
}

async function warningsOf(
  flags: Record<string, string>,
  environment: Record<string, string> = {},
  entries: object = {},
  configFile?: string,
): Promise<readonly string[]> {
  const sources = { flags, environment, file: entries };
  return exposures(evaluateSettings(sources), sources, configFile);
}

test("every secret that is given as a flag is warned of, and nothing else", async () => {
  const secret = SETTING_KEYS.filter((key) => SETTINGS[key].secret !== undefined);
  expect(secret).toEqual(expect.arrayContaining(["authToken", "argoToken", "ingestionExtraEnvs"]));
  for (const key of SETTING_KEYS) {
    const [variable] = SETTINGS[key].variables;
    const flag = variable.toLowerCase().replaceAll("_", "-");
    const warnings = await warningsOf({ [flag]: "x" });
    expect([key, warnings]).toEqual([
      key,
      secret.includes(key) ? [expect.stringContaining(`--${flag} is on the command line, which everybody`)] : [],
    ]);
    expect(await warningsOf({}, { [variable]: "/nonexistent" })).toEqual([]);
  }
});

test.each([
  [0o600, undefined],
  [0o400, undefined],
  [0o604, "everybody"],
  [0o602, "everybody"],
  [0o666, "everybody"],
  [0o640, "its group"],
  [0o620, "its group"],
])("a file of mode %o is open to %s", async (mode, who) => {
  const path = await file("token", mode);
  const expected =
    who === undefined
      ? []
      : [`AUTH_TOKEN_FILE holds a secret that ${who} can read or change: ${path} should have mode 600`];
  expect(await warningsOf({}, { AUTH_TOKEN_FILE: path })).toEqual(expected);
  await chmod(directory, 0o700);
  expect(await warningsOf({}, { AUTH_TOKEN_FILE: path })).toEqual([]);
});

test("the group of another user's file is how this user reads it", async (context) => {
  if (process.getuid?.() !== 0) return context.skip("needs root to give a file away");
  const path = await file("token", 0o640);
  await chown(path, 65_534, 0);
  expect(await warningsOf({}, { AUTH_TOKEN_FILE: path })).toEqual([]);
  await chmod(path, 0o644);
  expect(await warningsOf({}, { AUTH_TOKEN_FILE: path })).toHaveLength(1);
});

test("the configuration file counts when it holds a secret, the secret store when the runner reads it on this machine", async () => {
  const path = await file("runner.yaml", 0o644);
  expect(await warningsOf({}, {}, { agentId: "a" }, path)).toEqual([]);
  expect(await warningsOf({}, {}, { authToken: "t0ken" }, path)).toEqual([
    expect.stringContaining("the configuration file holds a secret that everybody"),
  ]);
  const process = { EXECUTOR_TYPE: "process", SECRETS_MANAGER: "file" };
  expect(await warningsOf({}, { ...process, SECRETS_FILE: path })).toEqual([
    expect.stringContaining("SECRETS_FILE holds"),
  ]);
  expect(await warningsOf({}, { ...process, SECRETS_DIRECTORY: directory })).toEqual([
    expect.stringContaining(`SECRETS_DIRECTORY holds a secret that everybody can read or change: ${path}`),
  ]);
  expect(await warningsOf({}, { ...process, EXECUTOR_TYPE: "simpleK8s", SECRETS_FILE: path })).toEqual([]);
});

test("a store of secrets that isn't there is told", async () => {
  const path = join(directory, "nowhere");
  const settings = { EXECUTOR_TYPE: "process", SECRETS_MANAGER: "file", SECRETS_DIRECTORY: path };
  expect(await warningsOf({}, settings)).toEqual([
    expect.stringContaining(`SECRETS_DIRECTORY names ${path}, and there is nothing`),
  ]);
});

test("a directory in a file's place is told as that, and no file in it is named", async () => {
  await file("token", 0o644);
  expect(await openFile("AUTH_TOKEN_FILE", directory, {})).toEqual([
    `AUTH_TOKEN_FILE must name a file, and ${directory} is a directory`,
  ]);
});

test("what a container mounts and what isn't there is nothing to warn of", async () => {
  const path = await file("token", 0o644);
  expect(await openFile("X", path, { KUBERNETES_SERVICE_HOST: "10.0.0.1" })).toEqual([]);
  expect(await openFile("X", join(directory, "none"), {})).toEqual([]);
  expect(await openFile("X", undefined, {})).toEqual([]);
  const link = join(directory, "secrets");
  await mkdir(link);
  expect(await openFile("SECRETS_DIRECTORY", link, {})).toEqual([]);
});
