import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readParameters, readPodParameters } from "../../src/config/parameter-files.ts";
import { containerMistakes, podMistakes } from "../../src/config/pod-parameters.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

const NAMES = { containerSpecFilePath: "ARGO_CONTAINER_FILE", workflowSpecFilePath: "WORKFLOW_FILE" };

describe("readPodParameters", () => {
  test("reads both files as the documented chart renders them", async () => {
    const directory = await temporaryDirectory();
    const [container, workflow] = [join(directory, "container.yaml"), join(directory, "workflow.yaml")];
    await writeFile(container, "env:\n  - name: PROXY\n    value: http://proxy:3128\n");
    await writeFile(workflow, "tolerations:\n  - key: dedicated\n    operator: Exists\n");
    const settings = { containerSpecFilePath: container, workflowSpecFilePath: workflow };
    expect(await readPodParameters(settings, NAMES)).toEqual({
      parameters: {
        container: { env: [{ name: "PROXY", value: "http://proxy:3128" }] },
        podSpec: { tolerations: [{ key: "dedicated", operator: "Exists" }] },
      },
      problems: [],
    });
  });

  test("tells a file that isn't there and one that can't be read by the names of their variables", async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, "folder"));
    const settings = {
      containerSpecFilePath: join(directory, "none"),
      workflowSpecFilePath: join(directory, "folder"),
    };
    const { parameters, problems } = await readPodParameters(settings, NAMES);
    expect(parameters).toEqual({});
    expect(problems).toEqual([
      expect.stringMatching(/^ARGO_CONTAINER_FILE must be a file that can be read: .*none is not there$/),
      expect.stringMatching(/^WORKFLOW_FILE must be a file that can be read: .*folder is a directory, and no file$/),
    ]);
  });

  test("no files are no changes", async () => {
    const settings = { containerSpecFilePath: undefined, workflowSpecFilePath: undefined };
    expect(await readPodParameters(settings, NAMES)).toEqual({ parameters: {}, problems: [] });
  });
});

describe("mistakes are told with line and column, and without what stands there", () => {
  test.each([
    ["image: a/b:1\ncommand: [n33dle]\n", "line 2, column 1: command can't be set: use INGESTION_COMMAND"],
    ["imagePullPolice: n33dle\n", "line 1, column 1: imagePullPolice is no field that Kubernetes knows there"],
    ["env:\n  - name: A\n  - value: n33dle\n", "line 3, column 5: env.1 must be a mapping with name"],
    ["env:\n  - name: config\n    value: n33dle\n", "line 2, column 5: env.0.name is one of the runner's own"],
    ["volumeMounts:\n- {name: a, mountPath: /hybrid-runner/x}\n", "line 2, column 13: volumeMounts.0.mountPath is one"],
    ["resources: n33dle\n", "line 1, column 1: resources must be a mapping"],
    ["name: n33dle\n", "line 1, column 1: name can't be set: it is main"],
    ["- n33dle\n", "line 1, column 1: it must be a mapping"],
    ["a: [n33dle\nb: 1\n", /^line \d+, column \d+: the indentation fits nothing above it/],
    ["a: *n33dle\n", "line 1, column 1: its aliases can't be followed"],
  ])("container file %j", (text, expected) => {
    const { value, mistakes } = readParameters(text, containerMistakes);
    expect(value).toEqual({});
    expect(mistakes[0]).toEqual(
      expected instanceof RegExp ? expect.stringMatching(expected) : expect.stringContaining(expected),
    );
    expect(mistakes.join("\n")).not.toContain("n33dle");
  });

  test.each([
    [
      "terminationGracePeriodSeconds: 5\n",
      "line 1, column 1: terminationGracePeriodSeconds can't be set: use STOP_GRACE_SECONDS",
    ],
    ["containers:\n  - name: main\n    tty: true\n", "line 3, column 5: containers.0.tty can't be set"],
    ["containers:\n  - name: hybrid-runner-x\n", "line 2, column 5: containers.0.name is a name of the runner's own"],
    ["containers: n33dle\n", "line 1, column 1: containers must be a list"],
  ])("workflow file %j", (text, expected) => {
    const { mistakes } = readParameters(text, podMistakes);
    expect(mistakes).toEqual([expect.stringContaining(expected)]);
    expect(mistakes.join("\n")).not.toContain("n33dle");
  });

  test("an empty file and null change nothing and are no mistakes", () => {
    expect(readParameters("", containerMistakes)).toEqual({ value: {}, mistakes: [] });
    expect(readParameters("# nothing\n", podMistakes)).toEqual({ value: {}, mistakes: [] });
    expect(readParameters("nodeSelector: null\n", podMistakes)).toEqual({
      value: { nodeSelector: null },
      mistakes: [],
    });
  });
});

test("hybrid-runner run tells mistakes of both files at once, with the names that were used, and exits with 2", async () => {
  const directory = await temporaryDirectory();
  const file = join(directory, "container.yaml");
  await writeFile(file, "image: a/b:1\nargs: [n33dle]\n");
  const env = {
    PATH: "/usr/bin:/bin",
    HOME: directory,
    SERVER_URL: "gateway.invalid",
    AUTH_TOKEN: "t",
    EXECUTOR_TYPE: "simpleK8s",
    INGESTION_IMAGE: "a/b:1",
    ARGO_INGESTION_CONTAINER_SPEC_FILE_PATH: file,
    INGESTION_WORKFLOW_SPEC_FILE_PATH: join(directory, "none.yaml"),
  };
  const main = join(import.meta.dirname, "../../src/main.ts");
  const { code, text } = await new Promise<{ code: unknown; text: string }>((resolve) => {
    execFile(process.execPath, [main, "run"], { env }, (error, _out, text) => resolve({ code: error?.code, text }));
  });
  expect(code).toBe(2);
  expect(text).toContain("2 problems");
  expect(text).toContain(`ARGO_INGESTION_CONTAINER_SPEC_FILE_PATH has a mistake in ${file}, line 2, column 1: args`);
  expect(text).toContain("INGESTION_WORKFLOW_SPEC_FILE_PATH must be a file that can be read");
  expect(text).not.toContain("n33dle");
});
