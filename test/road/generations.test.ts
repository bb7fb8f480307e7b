import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DOCUMENTED_ENVIRONMENTS } from "../config/documented-environments.ts";
import { eventually } from "../fakes/eventually.ts";
import { type RunnerProcess, Site } from "./site.ts";

/** What the site sets for runners of its own and the documents don't know; an empty text counts as not set. */
const NOTHING_ELSE = {
  AUTH_TOKEN_FILE: "",
  DATA_DIRECTORY: "",
  SECRETS_MANAGER: "",
  SECRETS_DIRECTORY: "",
  INGESTION_COMMAND: "",
  INGESTION_EXTRA_ENVS: "",
  STOP_GRACE_SECONDS: "",
  // The documented port; another test may have it, which is told and does no harm.
  METRICS_SERVER_PORT: "",
};

/** Starts a runner in the documented environment; only the address, the token and the home directory are this test's. */
async function startDocumented(site: Site, environment: Readonly<Record<string, string>>): Promise<RunnerProcess> {
  const id = environment["AGENT_ID"] ?? "";
  return site.startRunner({
    id,
    environment: {
      ...NOTHING_ELSE,
      ...environment,
      HOME: site.runnerData("home"),
      SERVER_URL: `ws://127.0.0.1:${site.port}`,
      AUTH_TOKEN: await site.token(id),
    },
  });
}

test.each(Object.entries(DOCUMENTED_ENVIRONMENTS))(
  "the documented environment of %s starts the runner, which is Connected, keeps pipelines and refuses runs",
  async (_name, environment) => {
    const site = await Site.open();
    const runner = await startDocumented(site, environment);
    const id = environment["AGENT_ID"] ?? "";
    await site.connected(id);
    const executor = environment["PIPELINE_SERVICE_CLIENT_ENDPOINT"] === undefined ? "simpleK8s" : "argo";
    expect(await site.api("GET", `/runners/${id}`)).toMatchObject({ status: "Connected", executor });

    const pipeline = await site.deploy("metadata", { runnerId: id });
    const kept = join(site.runnerData("home"), ".local/state/hybrid-runner/pipelines");
    await eventually(async () => expect((await readdir(kept)).join()).toContain(pipeline));

    const refused = await site.ended(await site.start(pipeline));
    expect(refused.state).toBe("failed");
    expect(refused.failure).toMatchObject({
      category: "ConfigError",
      detail: expect.stringContaining(`the executor ${executor} is not in this version`),
      advice: expect.stringContaining("EXECUTOR_TYPE=process"),
    });

    const log = await runner.log();
    expect(log).toContain(`This version has no executor ${executor}`);
    expect(log).toContain("This version can't read the secret store");
    expect(await runner.end("SIGTERM")).toBe(0);
  },
  120_000,
);

test("with a secret store that is not in this version, runs without references work and the others fail by its name", async () => {
  const site = await Site.open();
  await site.script("plain", "echo works");
  await site.startRunner({ environment: { SECRETS_MANAGER: "managed-azure-kv", SECRETS_DIRECTORY: "" } });
  await site.connected();
  expect((await site.ended(await site.start(await site.deploy("plain")))).state).toBe("success");
  const needy = await site.deploy("plain", { connection: { password: "secret:db-password" } });
  expect(await site.ended(await site.start(needy))).toMatchObject({
    state: "failed",
    failure: { category: "SecretUnresolved", detail: expect.stringContaining("azure-kv") },
  });
}, 120_000);
