import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { exactNumber } from "../../src/base/exact-json.ts";
import { numberText } from "../fakes/number-text.ts";
import { Site } from "./site.ts";

const READER = `
import json, os, sys, yaml
text = open(sys.argv[1]).read() if len(sys.argv) > 1 else os.environ["config"]
places = lambda config: [config["source"]["serviceConnection"]["config"], config["source"]["sourceConfig"]["config"]["kept"], config["source"]["sourceConfig"]["config"]["over"]]
written = places(json.loads(text, parse_int=str, parse_float=str))
as_json = places(json.loads(text))
as_yaml = places(yaml.safe_load(text))
seen = [[w, type(j).__name__, type(y).__name__, j == y] for ws, js, ys in zip(written, as_json, as_yaml) for w, j, y in zip(ws, js, ys)]
with open(os.environ["OUT"] + "/seen.json", "w") as out: json.dump(seen, out)
`;

const NAMED = ["1234567890123456789", "0.0000001", "1e-7", "1E5", "1e+20", "-0", "-0.0", "1.0", "1e400", "100", "0.1"];

const hasYaml = spawnSync("python3", ["-c", "import yaml"]).status === 0;
if (!hasYaml) process.stdout.write("skipped: there is no python3 with PyYAML (scripts/install-test-tools.ts)\n");

test.skipIf(!hasYaml).each([
  ["in the variable config", 'exec python3 "$SCRIPTS/read.py"'],
  ["in the file {config}", 'exec python3 "$SCRIPTS/read.py" "{config}"'],
])("a program reads every number as it was sent, as JSON and as YAML, %s", async (_where, command) => {
  const numbers = [...NAMED, ...fc.sample(numberText, 200)];
  const values = numbers.map(exactNumber);
  const site = await Site.open();
  await writeFile(join(site.scripts, "read.py"), READER);
  const environment = { INGESTION_COMMAND: JSON.stringify(["/bin/sh", "-c", command]) };
  const runner = await site.startRunner({ environment });
  await site.connected();

  const pipelineId = await site.deploy("metadata", {
    connection: values,
    more: { sourceConfig: { kept: values, over: [1] } },
  });
  const told = await site.api<{ sourceConfig: { kept: unknown } }>("GET", `/pipelines/${pipelineId}`);
  expect(JSON.stringify(told.sourceConfig.kept)).toBe(`[${numbers.join(",")}]`);

  // What is stored on both sides is read again.
  await site.killGateway();
  await runner.end();
  await site.startGateway();
  await site.startRunner({ environment });
  await site.connected();

  const { run } = await site.api<{ run: { runId: string } }>("POST", `/pipelines/${pipelineId}/run`, {
    sourceConfigOverride: { over: values },
  });
  expect((await site.ended(run.runId)).state).toBe("success");
  const seen = JSON.parse(await readFile(join(site.directory, "seen.json"), "utf8")) as [
    string,
    string,
    string,
    boolean,
  ][];
  expect(seen.map(([written]) => plain(written))).toEqual([...numbers, ...numbers, ...numbers].map(plain));
  expect(seen.filter(([, asJson, asYaml, equal]) => asJson !== asYaml || !equal)).toEqual([]);
});

/** Sign, digits and exponent of a number, whose spelling may differ in the point and sign that YAML asks for. */
function plain(text: string): string {
  const [, whole = text, fraction = "", sign = "", exponent = ""] =
    /^(-?\d+)(\.\d+)?[eE]([+-]?)(\d+)$/.exec(text) ?? [];
  return exponent === "" ? text : `${whole}${fraction === "" ? ".0" : fraction}e${sign || "+"}${exponent}`;
}
