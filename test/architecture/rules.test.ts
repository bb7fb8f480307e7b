// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the examples are sources as text
import { describe, expect, test } from "vitest";
import { forbiddenImports, importCircles } from "./import-rules.ts";
import { importsOf, packageOf } from "./imports.ts";
import {
  badNames,
  errorDeclarations,
  errorMessages,
  handmadeCuts,
  longFiles,
  runtimeGlobals,
  timeAndChance,
} from "./source-rules.ts";
import type { Source } from "./source-tree.ts";
import { tokenize } from "./tokens.ts";

/* The rules of the architecture test, each shown to refuse a small bad example and to let its good neighbour pass. */

function files(texts: Readonly<Record<string, string>>): readonly Source[] {
  return Object.entries(texts).map(([path, text]) => ({ path, text }));
}

describe("tokenize", () => {
  test("leaves out comments and keeps strings, templates and regular expressions whole", () => {
    const text = "a /* process */ // Deno\n'it\\'s' `x ${b(`y ${c}`)} z`; /[/]\"/.test(d) / 2";
    expect(tokenize(text).map((token) => token.text)).toEqual([
      "a",
      "it\\'s",
      "x ${} z",
      "b",
      "(",
      "y ${}",
      "c",
      ")",
      ";",
      '/[/]"/',
      ".",
      "test",
      "(",
      "d",
      ")",
      "/",
      "2",
    ]);
  });

  test("tells the line of each token", () => {
    expect(tokenize("a\n\n`\n${b}`\nc").map(({ text, line }) => [text, line])).toEqual([
      ["a", 1],
      ["\n${}", 3],
      ["b", 4],
      ["c", 5],
    ]);
  });
});

describe("importsOf", () => {
  test("finds every form of import and nothing that only looks like one", () => {
    const text = `
      import "./effect.ts";
      import one, { two } from "./value.ts";
      import * as all from "zod";
      import type { T } from "./type.ts";
      import { type U, three } from "./mixed.ts";
      export { four } from "./export.ts";
      export * from "./star.ts";
      export type { V } from "./export-type.ts";
      export const load = () => import("./dynamic.ts");
      export { load as again };
      const from = "from './no.ts'"; // import "./comment.ts"
      export const text = \`import "./template.ts"\`;
      import.meta.url; thing.import("./member.ts");
    `;
    expect(importsOf(text).map(({ specifier, kind }) => `${kind} ${specifier}`)).toEqual([
      "value ./effect.ts",
      "value ./value.ts",
      "value zod",
      "type ./type.ts",
      "value ./mixed.ts",
      "value ./export.ts",
      "value ./star.ts",
      "type ./export-type.ts",
      "dynamic ./dynamic.ts",
    ]);
  });

  test("knows the package behind a deep import", () => {
    expect(["@hono/node-server/serve", "zod/v4", "node:fs/promises"].map(packageOf)).toEqual([
      "@hono/node-server",
      "zod",
      "node:*",
    ]);
  });
});

describe("forbiddenImports", () => {
  test("names the file, the import, the rule and the place where both may meet", () => {
    const [problem] = forbiddenImports(
      files({ "src/runs/run.ts": '\nimport { send } from "../connection/outbox.ts";', "src/connection/outbox.ts": "" }),
    );
    expect(problem).toContain("src/runs/run.ts:2 imports ../connection/outbox.ts");
    expect(problem).toContain("src/runs may import base, protocol, executor/executor.ts, policy, pipelines");
    expect(problem).toContain("they may meet in src/runner");
  });

  test.each([
    ["a type", "src/gateway/a.ts", 'import type { R } from "../runner/b.ts";', "src/runner/b.ts"],
    ["a re-export", "src/base/a.ts", 'export * from "../protocol/b.ts";', "src/protocol/b.ts"],
    ["a dynamic import", "src/connection/a.ts", 'await import("../runs/b.ts");', "src/runs/b.ts"],
    [
      "a file beside an allowed one",
      "src/runs/a.ts",
      'import "../executor/process/b.ts";',
      "src/executor/process/b.ts",
    ],
    ["an executor's sibling", "src/executor/process/a.ts", 'import "../argo/b.ts";', "src/executor/argo/b.ts"],
    ["a sibling that makes pods too", "src/executor/jobs/a.ts", 'import "../argo/b.ts";', "src/executor/argo/b.ts"],
    [
      "what makes Jobs, in what any pod needs,",
      "src/executor/pods/logs/a.ts",
      'import type { B } from "../../jobs/b.ts";',
      "src/executor/jobs/b.ts",
    ],
    ["a test", "src/base/a.ts", 'import "../../test/b.ts";', "test/b.ts"],
  ])("refuses %s against the direction", (_, path, text, other) => {
    expect(forbiddenImports(files({ [path]: text, [other]: "" }))[0]).toContain(path);
  });

  test("refuses packages outside their place, and says where that is", () => {
    const problems = forbiddenImports(
      files({
        "src/connection/a.ts": 'import ws from "ws";',
        "src/protocol/b.ts": 'import fs from "node:fs";',
        "src/base/c.ts": 'import x from "left-pad";',
        "src/pipelines/d.ts": 'import ws from "ws";',
      }),
    );
    expect(problems[0]).toContain("src/connection may import no package; it is imported in src/runtime only");
    expect(problems[3]).toContain("src/pipelines may import zod; it is imported in src/runtime only");
    expect(problems[1]).toContain("it is imported in src/runtime only");
    expect(problems[2]).toContain("no folder may import it yet");
  });

  test("refuses a computed import, a missing file and a folder without a row", () => {
    const texts = { "src/base/a.ts": "import(name);", "src/base/b.ts": 'import "./gone.ts";', "src/attic/c.ts": "" };
    const problems = forbiddenImports(files(texts));
    expect(problems[0]).toContain("computed");
    expect(problems[1]).toContain("no such file");
    expect(problems[2]).toContain("src/attic/c.ts has no row");
  });

  test("allows what the table lists", () => {
    const texts = {
      "src/runs/run.ts":
        'import "./b.ts"; import "../executor/executor.ts"; import "../base/c.ts"; import "../version.ts";',
      "src/runs/b.ts": "",
      "src/base/c.ts": "",
      "src/executor/executor.ts": "",
      "src/executor/process/d.ts": 'import "../executor.ts";',
      "src/executor/jobs/f.ts": 'import "../executor.ts"; import "../pods/logs/g.ts";',
      "src/executor/pods/logs/g.ts": "",
      "src/runtime/e.ts": 'import ws from "ws"; import fs from "node:fs";',
      "src/version.ts": "",
    };
    expect(forbiddenImports(files(texts))).toEqual([]);
  });
});

describe("importCircles", () => {
  test("finds a circle of three once, whichever file is first", () => {
    const texts = {
      "src/a.ts": 'import "./b.ts";',
      "src/b.ts": 'import "./c.ts";',
      "src/c.ts": 'export * from "./a.ts";',
    };
    expect(importCircles(files(texts))).toEqual(["src/a.ts → src/b.ts → src/c.ts → src/a.ts"]);
  });

  test("lets types and lazy imports go back", () => {
    const texts = { "src/a.ts": 'import "./b.ts";', "src/b.ts": 'import type { A } from "./a.ts"; import("./a.ts");' };
    expect(importCircles(files(texts))).toEqual([]);
  });
});

describe("runtimeGlobals", () => {
  test.each([
    "process.exit(1)",
    "const e = process.env",
    "globalThis.process.pid",
    "Buffer.from(a)",
    "let x: Buffer",
    "Deno.args",
    'require("x")',
    "__dirname",
    "import.meta.url",
    "console.log(1)",
    "function f() { const process = start(); } process.exit()",
  ])("refuses %s outside src/runtime", (text) => {
    expect(runtimeGlobals(files({ "src/runs/a.ts": text }))).toHaveLength(1);
    expect(runtimeGlobals(files({ "src/runtime/a.ts": text }))).toEqual([]);
  });

  test.each([
    "run.process.kill()",
    "({ process: 1 })",
    '"process.env"',
    "// process.env",
    "interface A { process?: B }",
    "for (const process of all) { process.kill(); }",
    "{ let process = 1; if (a) { f(process); } }",
  ])("lets %s pass", (text) => {
    expect(runtimeGlobals(files({ "src/runs/a.ts": text }))).toEqual([]);
  });
});

describe("timeAndChance", () => {
  test.each([
    "Date.now()",
    "new Date()",
    "setTimeout(f, 1)",
    "globalThis.setInterval(f, 1)",
    "Math.random()",
    "performance.now()",
  ])("refuses %s outside the clock", (text) => {
    expect(timeAndChance(files({ "src/runtime/a.ts": text }))).toHaveLength(1);
    expect(timeAndChance(files({ "src/base/clock.ts": text }))).toEqual([]);
  });

  test.each(["new Date(ms)", "socket.setTimeout(5)", "clock.now()", "clearTimeout(t)"])("lets %s pass", (text) => {
    expect(timeAndChance(files({ "src/runtime/a.ts": text }))).toEqual([]);
  });
});

describe("errorMessages", () => {
  test.each([
    'new CodedError(KIND.Bad, "It failed")',
    'new CodedError(KIND.Bad, "Cannot open the file.")',
    "new CodedError(pick(a, [b, c]), `failed: ${x}`, { cause })",
  ])("refuses %s", (text) => {
    expect(errorMessages(files({ "src/a.ts": text }))).toHaveLength(1);
  });

  test.each(["new CodedError(pick(a, b), `Cannot open ${path}: ${state}`)", "new CodedError(KIND.Bad, message)"])(
    "lets %s pass",
    (text) => {
      expect(errorMessages(files({ "src/a.ts": text }))).toEqual([]);
    },
  );
});

describe("files and names", () => {
  test("a text that is cut by hand is refused, one that is clipped isn't", () => {
    const cut =
      "const a = `${text.slice(0, 99)}…`;\nconst b = text.substring(0, 9);\nconst c = clip(text, 9).slice(0, 3);\n";
    const lines = handmadeCuts(files({ "src/a.ts": cut, "src/base/clip.ts": cut }));
    expect(lines.map((line) => line.split(" ")[0])).toEqual(["src/a.ts:1", "src/a.ts:2"]);
  });

  test("a file of 301 lines is too long, one of 300 and a generated one are not", () => {
    const long = "x\n".repeat(301);
    const texts = { "src/a.ts": long, "src/b.ts": "x\n".repeat(300), "src/made.ts": long };
    expect(longFiles(files(texts), new Set(["src/made.ts"])).map((line) => line.split(" ")[0])).toEqual(["src/a.ts"]);
  });

  test("names that say nothing and names in other cases are refused", () => {
    const paths = [
      "src/utils/a.ts",
      "src/runs/index.ts",
      "src/runs/RunTable.ts",
      "src/runs/run_log.ts",
      "src/runs/run-log.test.ts",
    ];
    expect(badNames(paths).map((line) => line.split(":")[0])).toEqual([
      "src/utils",
      "src/runs/index",
      "src/runs/RunTable",
      "src/runs/run_log",
    ]);
  });

  test("a call of defineErrors is a declaration, its definition is not", () => {
    const texts = { "src/a.ts": "const E = defineErrors({});", "src/b.ts": "export function defineErrors() {}" };
    expect(errorDeclarations(files(texts))).toEqual(["src/a.ts"]);
  });
});
