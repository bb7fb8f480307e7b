import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

interface Shown {
  readonly settings: readonly { readonly name: string; readonly value: unknown; readonly origin: string }[];
  readonly warnings: readonly string[];
  readonly problems: readonly string[];
}

function show(
  args: readonly string[],
  environment: Record<string, string>,
  command = "config",
): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    const env = { PATH: "/usr/bin:/bin", HOME: "/nonexistent", ...environment };
    execFile(process.execPath, [MAIN, command, ...args], { env }, (error, out) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out });
    });
  });
}

test("config show --json gives each value with its origin, and no secret", async () => {
  const file = join(await temporaryDirectory(), "runner.yaml");
  await writeFile(file, "keepRuns: 7\ningestionExtraEnvs: { PASSWORD: n33dle-1 }\n");
  const { code, out } = await show(["show", "--json", "--config", file, "--log-level", "debug"], {
    SERVER_URL: "gateway.example",
    AUTH_TOKEN: "n33dle-2",
    ARGO_TOKEN: "n33dle-3",
    ARGO_NAMESPACE: "collate",
  });
  expect(code).toBe(0);
  expect(out).not.toContain("n33dle");
  const { settings, warnings, problems } = JSON.parse(out) as Shown;
  const of = (name: string): unknown => {
    const { value, origin } = settings.find((setting) => setting.name === name) ?? {};
    return [value, origin];
  };
  expect(of("SERVER_URL")).toEqual(["wss://gateway.example", "variable SERVER_URL"]);
  expect(of("AUTH_TOKEN")).toEqual(["[redacted]", "variable AUTH_TOKEN"]);
  expect(of("KEEP_RUNS")).toEqual([7, "file"]);
  expect(of("LOG_LEVEL")).toEqual(["debug", "flag --log-level"]);
  expect(of("INGESTION_EXTRA_ENVS")).toEqual([{ PASSWORD: "[redacted]" }, "file"]);
  expect(of("INGESTION_NAMESPACE")).toEqual(["collate", "variable ARGO_NAMESPACE"]);
  expect(of("EXECUTOR_TYPE")).toEqual(["argo", "worked out: variable ARGO_TOKEN is set"]);
  expect(of("DATA_DIRECTORY")).toEqual(["/nonexistent/.local/state/hybrid-runner", "default"]);
  expect(warnings).toContain("ARGO_NAMESPACE is an old name: use INGESTION_NAMESPACE");
  expect(problems).toEqual([]);
});

test("config show prints what it has when the runner could not start, and every problem", async () => {
  const { code, out } = await show(["show"], {
    AGENT_ID: "west-1",
    MAX_CONCURRENT_RUNS: "many",
    ARGO_TOKEN: '"n33dle"',
  });
  expect(code).toBe(2);
  expect(out).toMatch(/^AGENT_ID +west-1 +variable AGENT_ID$/m);
  expect(out).toMatch(/^SERVER_URL +- +missing$/m);
  expect(out).toContain("4 problems:");
  expect(out).toContain('  - MAX_CONCURRENT_RUNS must be a whole number from 1 to 10000; found "many"');
  expect(out).toContain('  - ARGO_TOKEN must be without the " around it; found 8 characters');
  expect(out).toContain("  - AUTH_TOKEN or AUTH_TOKEN_FILE is missing");
  expect(out).not.toContain("n33dle");
});

test("config without an action says what there is", async () => {
  expect((await show([], {})).code).toBe(2);
  expect((await show(["edit"], {})).code).toBe(2);
});

test("gateway config show gives the gateway's settings with their origins, and no secret; what is wrong makes exit code 2", async () => {
  const good = await show(
    ["config", "show", "--json", "--port", "0"],
    {
      HYBRID_RUNNER_GATEWAY_ADMIN_TOKEN: "n33dle-n33dle-n33dle",
      HYBRID_RUNNER_GATEWAY_DATA_DIRECTORY: "/data",
    },
    "gateway",
  );
  expect(good.code).toBe(0);
  expect(good.out).not.toContain("n33dle");
  const { settings } = JSON.parse(good.out) as Shown;
  const of = (name: string): unknown => {
    const { value, origin } = settings.find((setting) => setting.name === `HYBRID_RUNNER_GATEWAY_${name}`) ?? {};
    return [value, origin];
  };
  expect(of("PORT")).toEqual([0, "flag --port"]);
  expect(of("ADMIN_TOKEN")).toEqual(["[redacted]", "variable HYBRID_RUNNER_GATEWAY_ADMIN_TOKEN"]);
  const place = "worked out: in HYBRID_RUNNER_GATEWAY_DATA_DIRECTORY";
  expect(of("STORE_KEY_FILE")).toEqual(["/data/store.key", place]);
  expect(of("ADMIN_TOKEN_FILE")).toEqual([null, "worked out: variable HYBRID_RUNNER_GATEWAY_ADMIN_TOKEN is set"]);

  const bad = await show(
    ["config", "show"],
    { HYBRID_RUNNER_GATEWAY_PORT: "many", HYBRID_RUNNER_GATEWAY_TLS_KEY_FILE: "/k" },
    "gateway",
  );
  expect(bad.code).toBe(2);
  expect(bad.out).toContain("2 problems:");
  expect(bad.out).toMatch(/^HYBRID_RUNNER_GATEWAY_HOST +127\.0\.0\.1 +default$/m);
  expect((await show(["config"], {}, "gateway")).code).toBe(2);
});
