import { execFileSync } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { CodedError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Sources } from "../../src/config/find.ts";
import { configInvalid, evaluateSettings } from "../../src/config/load.ts";
import { readPodParameters } from "../../src/config/parameter-files.ts";
import { parseSetting } from "../../src/config/parse-setting.ts";
import { readSources } from "../../src/config/read.ts";
import { RUNNER_SETTINGS, type Settings } from "../../src/config/settings.ts";
import { showAsText, showSettings } from "../../src/config/show.ts";
import { flagIn, type SettingTable } from "../../src/config/table.ts";
import { evaluateGatewaySettings, readGatewayConfig } from "../../src/gateway/config.ts";
import { startGateway } from "../../src/gateway/gateway.ts";
import { GATEWAY_SETTINGS } from "../../src/gateway/settings.ts";
import { processExecutorSettings } from "../../src/runner/executor-settings.ts";
import { kubernetesSettings } from "../../src/runner/kubernetes-settings.ts";
import { command } from "../commands/gateway-process.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { NUMBERS } from "./recipes.ts";

/* Whatever a person or a deployment writes into a setting, it is taken or refused by name: no crash, no stack, no waiting. */

const SEED = 20_261_129;
const DEEP = "[".repeat(50_000);

/** What is foreign to most settings; some of it is right for one of them. */
const TEXTS: readonly string[] = [
  ...new Set([
    ...NUMBERS.map((text) => text.replaceAll('"', "")),
    ...[
      "",
      " ",
      "\0",
      "\n",
      "\r\n",
      "\t",
      "\u{1f511}",
      "\ud800",
      "\u202e",
      "-",
      "--",
      "=",
      ",",
      ":",
      "a=b",
      "a:b",
      "off",
      "image",
    ],
    ...["true", "TRUE", "yes", "undefined", "NaN", "Infinity", "-0", "0x10", "1_000", " 7 ", "1e3", "٣"],
    ...["__proto__", "constructor", "toString", "hasOwnProperty", "__proto__:x", "[__proto__:x]", "__proto__=x"],
    ...[
      "{}",
      "[]",
      '{"__proto__":{"x":1}}',
      '{"a":{"b":[null]}}',
      '[["x"]]',
      '{"a":"b"}',
      '["a","b"]',
      '""',
      '{"a"',
      DEEP,
    ],
    ...["process", "simpleK8s", "argo", "env", "file", "managed-aws", "wrapper", "native", "debug", "json"],
    ...[
      "/",
      "//",
      "..",
      "/dev/null",
      "~",
      "~/x",
      "$HOME",
      "C:\\x",
      "a/b:1",
      "a@sha256:0",
      "http://",
      "https://[::1",
      "wss://[::1]:1/x",
    ],
    ...[
      "wss://x:99999",
      "ws://256.1.1.1",
      "http://x/%",
      "tcp://10.0.0.1:1",
      "file:///etc/passwd",
      "javascript:x",
      "//x",
      "1.2.3",
    ],
    ...["secret:/x", "Bearer x", '"quoted"', "'", "`x`", "-----BEGIN KEY-----", "a b", "é", "ＡＢ"],
  ]),
];
/** What shows a reader that looks at each part of a text again for every other. */
const LONG: readonly string[] = [
  ...["a", "a,", "a=", "1.", "0", "-a", "a-", "[a:", "a/", "a.", "m", "\\", '"', " "].map((unit) =>
    unit.repeat(100_000 / unit.length),
  ),
  ...[DEEP, `${DEEP}${"]".repeat(50_000)}`, `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`],
];
/** Values that only a file can have. */
const FOREIGN: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1.5,
    Number.NaN,
    1e308,
    [],
    [[]],
    {},
    { a: { b: [null] } },
    [null],
    ["a", 1],
    new Date(0),
  ],
  ...[10n ** 30n, new Uint8Array(3), Symbol.iterator.description, JSON.parse('{"__proto__":{"x":1}}')],
];

interface Role {
  readonly table: SettingTable;
  readonly evaluate: (
    sources: Sources,
  ) => ReturnType<typeof evaluateGatewaySettings> | ReturnType<typeof evaluateSettings>;
}
const ROLES: readonly Role[] = [
  { table: RUNNER_SETTINGS, evaluate: evaluateSettings },
  { table: GATEWAY_SETTINGS, evaluate: evaluateGatewaySettings },
];
const HOME = { XDG_STATE_HOME: "/state" };

/** Words of the runtime, and none of ours. */
const STRANGE = /\bat .+:\d+:\d+|TypeError|RangeError|SyntaxError|undefined/;

/** Reads them; what comes back can be shown, and what is wrong is an error of ours. */
function judge({ table, evaluate }: Role, sources: Sources): readonly string[] {
  const evaluation = evaluate(sources);
  const { warnings, problems } = evaluation;
  const shown = showSettings(table, evaluation as Parameters<typeof showSettings>[1]);
  expect(shown).toHaveLength(Object.keys(table.rows).length);
  JSON.stringify(shown);
  showAsText(shown, warnings, problems);
  const strange = [...warnings, ...problems].filter(
    (text) => text.length > 1000 || STRANGE.test(text.replace(/; found .*/s, "")),
  );
  expect(strange).toEqual([]);
  expect(configInvalid(problems, table)).toBeInstanceOf(CodedError);
  return problems;
}

test("every setting takes or refuses every text, alike as variable, as flag and in the file", () => {
  const differ: string[] = [];
  for (const role of ROLES) {
    const rows = Object.entries(role.table.rows);
    const flags = rows.map(([, row]) => flagIn(role.table, row));
    for (const text of TEXTS) {
      const all = (names: readonly (string | undefined)[]): Record<string, string> =>
        Object.fromEntries(names.flatMap((name) => (name === undefined ? [] : [[name, text]])));
      for (const place of [1, 2, 3]) {
        const older = all(rows.map(([, { variables }]) => variables[place]));
        judge(role, { flags: {}, environment: { ...HOME, ...older } });
      }
      const environment = { ...HOME, ...all(rows.map(([, { variables }]) => variables[0])) };
      const byVariable = judge(role, { flags: {}, environment });
      const byFlag = judge(role, { flags: all(flags), environment: HOME });
      const inFile = judge(role, { flags: {}, environment: HOME, file: all(rows.map(([key]) => key)) });
      for (const [index, [key, { variables }]] of rows.entries()) {
        const isRefused = (problems: readonly string[], name: string): boolean =>
          problems.some((problem) => problem.startsWith(`${name} must be `));
        const refused = isRefused(inFile, key);
        if (isRefused(byFlag, `--${flags[index]}`) !== refused) differ.push(`--${flags[index]}=${text.slice(0, 50)}`);
        // What looks like the address of a Service counts as not set there.
        if (text.startsWith("tcp:") || isRefused(byVariable, variables[0]) === refused) continue;
        differ.push(`${variables[0]}=${text.slice(0, 50)}`);
      }
    }
  }
  expect(differ).toEqual([]);
}, 60_000);

test("no setting is long about a long text, and none that is taken is too deep to be shown", () => {
  for (const { table } of ROLES) {
    for (const [name, row] of Object.entries(table.rows)) {
      for (const text of LONG) {
        const problems: string[] = [];
        const value = parseSetting<unknown>({ name, text }, row, problems);
        if (problems.length === 0) JSON.stringify(value);
        else expect(problems.join().length).toBeLessThan(1000);
      }
    }
  }
});

test("every setting takes or refuses every value that a file can have", () => {
  for (const role of ROLES) {
    for (const value of FOREIGN) {
      const file = Object.fromEntries(Object.keys(role.table.rows).map((key) => [key, value]));
      judge(role, { flags: {}, environment: HOME, file });
    }
    for (const file of [...FOREIGN, "text", 7]) judge(role, { flags: {}, environment: HOME, file });
  }
});

test("a configuration file of any text is taken or refused", async () => {
  const file = join(await temporaryDirectory(), "settings.yaml");
  for (const text of [
    ...TEXTS,
    `ingestionAffinity: ${DEEP}`,
    "a: &a [*a]",
    "<<: 1",
    "? [a]: b",
    "!!js/function x",
    "%YAML 9.9\n---\na",
  ]) {
    await writeFile(file, text);
    const sources = await readSources(["--config", file], {}, RUNNER_SETTINGS, HOME).then(
      (read) => read.sources,
      (error: unknown) => {
        expect(error, text.slice(0, 50)).toBeInstanceOf(CodedError);
        return undefined;
      },
    );
    if (sources !== undefined) judge({ table: RUNNER_SETTINGS, evaluate: evaluateSettings }, sources);
  }
}, 60_000);

test("settings that contradict each other are refused or make an executor's settings, whatever stands with what", () => {
  const texts = TEXTS;
  for (const role of ROLES) {
    // Texts that a setting takes come more often than others.
    const rows = Object.values(role.table.rows).map(({ variables, parse }) => {
      const good = texts.filter((text) => isGood(parse, text));
      const any = fc.constantFrom(...texts);
      const value = good.length === 0 ? any : fc.oneof(any, fc.constantFrom(...good), fc.constantFrom(...good));
      return value.map((text) => [variables[0], text] as const);
    });
    const property = fc.property(fc.array(fc.oneof(...rows), { minLength: 2, maxLength: 12 }), (entries) => {
      const base = { SERVER_URL: "wss://x", AUTH_TOKEN: "t", INGESTION_COMMAND: '["true"]', INGESTION_IMAGE: "a/b:1" };
      const environment = { ...HOME, ...(role.table === RUNNER_SETTINGS ? base : {}), ...Object.fromEntries(entries) };
      const problems = judge(role, { flags: {}, environment });
      if (role.table !== RUNNER_SETTINGS || problems.length > 0) return;
      const settings = { ...(evaluateSettings({ flags: {}, environment }).values as Settings), dataDirectory: "/d" };
      JSON.stringify([processExecutorSettings(settings), kubernetesSettings(settings)]);
    });
    fc.assert(property, { seed: SEED, numRuns: 150, endOnFailure: true });
  }
}, 60_000);

function isGood(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Where no text can be read: what waits for ever, what never ends, and what isn't there. */
async function strangePlaces(): Promise<Readonly<Record<string, string>>> {
  const directory = await temporaryDirectory();
  const pipe = join(directory, "pipe");
  execFileSync("mkfifo", [pipe]);
  await mkdir(join(directory, "folder"));
  return {
    "a pipe": pipe,
    "a device": "/dev/zero",
    "a directory": join(directory, "folder"),
    "below a device": "/dev/null/x",
    "a name that is too long": join(directory, "n".repeat(300)),
  };
}

test("no path of a setting holds up or crashes who reads it", async () => {
  const told = async (what: string, doing: Promise<unknown>): Promise<void> => {
    const error: unknown = await doing.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error, what).toBeInstanceOf(CodedError);
    expect((error as CodedError).message, what).not.toMatch(/TypeError|ERR_INVALID/);
  };
  for (const [what, path] of Object.entries(await strangePlaces())) {
    await told(`--config ${what}`, readSources(["--config", path]));
    const names = { containerSpecFilePath: "A", workflowSpecFilePath: "B" };
    const { problems } = await readPodParameters({ containerSpecFilePath: path, workflowSpecFilePath: path }, names);
    expect(
      problems.map((problem) => problem.slice(0, 11)),
      what,
    ).toEqual(["A must be a", "B must be a"]);
    const place = await temporaryDirectory();
    for (const flags of [
      ["--tls-cert-file", path, "--tls-key-file", path],
      ["--admin-token-file", path],
      ["--store-key-file", path],
      ["--capture-frames", path],
      ["--config", path],
      ...(what === "a directory" ? [] : [["--data-directory", path]]),
    ]) {
      const args = ["--port", "0", "--data-directory", join(place, "data"), ...flags];
      const start = async (): Promise<unknown> => {
        const config = await readGatewayConfig(args, {});
        return startGateway(config, { clock: systemClock, log: silentLog });
      };
      await told(`${flags.join(" ")}: ${what}`, start());
    }
    expect(await readdir("/dev")).toContain("zero");
  }
}, 60_000);

test("the program tells extreme settings by code and without a stack, runner and gateway", async () => {
  const pipe = (await strangePlaces())["a pipe"] ?? "";
  for (const [role, args] of [
    [RUNNER_SETTINGS, ["run"]],
    [GATEWAY_SETTINGS, ["gateway"]],
  ] as const) {
    const text = `\u{1f511}%\u202e${"-".repeat(10_000)}`;
    const all = Object.fromEntries(Object.values(role.rows).map(({ variables }) => [variables[0], text]));
    for (const environment of [all, { [role.fileVariable]: pipe }]) {
      const { code, stderr } = await command(args, environment);
      expect([code, stderr.split(":")[0]], stderr).toEqual([2, "ConfigInvalid"]);
      expect(stderr).not.toMatch(/^ {4}at /m);
    }
  }
}, 120_000);
