import { expect, test } from "vitest";
import { startOpenMetadata } from "../fakes/openmetadata.ts";
import { Site } from "../road/site.ts";
import { apply, kubectl } from "./cluster-tool.ts";
import { letPodsReadSecrets, temporaryNamespace } from "./namespace.ts";
import { startPostgres } from "./postgres.ts";
import { putReleasedImage } from "./wrapper-image.ts";

/** Address of this machine as pods reach it, and its name there. */
const HOST = process.env["HYBRID_RUNNER_TEST_HOST_ADDRESS"] ?? "10.88.0.1";
const HOST_NAME = process.env["HYBRID_RUNNER_TEST_HOST_NAME"] ?? "host.test.local";
/** Absent where there is none: scripts/test-cluster.ts makes it or says so. */
const INGESTION_IMAGE = process.env["HYBRID_RUNNER_TEST_INGESTION_IMAGE"];
const CANARY = "eyJ-bot-token-that-must-not-be-seen";

test("the real ingestion of a real PostgreSQL: a password from a Kubernetes Secret to success, a wrong one to the true reason", {
  timeout: 240_000,
}, async (context) => {
  if (INGESTION_IMAGE === undefined) return context.skip("there is no image with OpenMetadata's ingestion here");
  const namespace = await temporaryNamespace("road");
  await letPodsReadSecrets(namespace);
  await putReleasedImage();
  const openMetadata = await startOpenMetadata(HOST);
  const postgres = await startPostgres(HOST);
  try {
    for (const [name, password] of [
      ["shop-db", postgres.password],
      ["shop-db-wrong", "not-the-password"],
    ] as const)
      await apply({ apiVersion: "v1", kind: "Secret", metadata: { name }, stringData: { password } }, namespace);

    const site = await Site.open(async (opened) => {
      opened.gatewayEnvironment = {
        HYBRID_RUNNER_GATEWAY_SERVER_API_URL: `http://${HOST_NAME}:${openMetadata.port}/api`,
      };
    });
    await site.startRunner({
      bare: true,
      environment: {
        HOME: site.directory,
        EXECUTOR_TYPE: "simpleK8s",
        KUBECONFIG: process.env["KUBECONFIG"] ?? "",
        INGESTION_IMAGE: INGESTION_IMAGE ?? "",
        INGESTION_NAMESPACE: namespace,
      },
    });
    await site.connected();

    const deploy = (secret: string): Promise<string> =>
      site.deploy("metadata", {
        serviceType: "Postgres",
        connection: {
          type: "Postgres",
          username: postgres.user,
          authType: { password: `secret:/${secret}/password` },
          hostPort: `${HOST_NAME}:${postgres.port}`,
          database: postgres.database,
        },
        more: {
          botToken: CANARY,
          sourceConfig: { type: "DatabaseMetadata", schemaFilterPattern: { includes: ["public"] } },
        },
      });

    const good = await site.start(await deploy("shop-db"));
    await site.until(good, ["running"], 60_000);
    const seen = JSON.stringify(
      JSON.parse(await kubectl("-n", namespace, "get", "jobs,pods,configmaps,events,cronjobs", "-o", "json")),
    );
    for (const canary of [CANARY, postgres.password]) expect(seen).not.toContain(canary);
    expect(await site.ended(good, 90_000)).toMatchObject({ state: "success", exitCode: 0 });
    expect(openMetadata.names("tables").map((name) => name.split(".").slice(-2).join("."))).toEqual([
      "public.customer",
      "public.orders",
    ]);
    const log = await site.wholeLog(good);
    expect(log).toContain("OpenMetadata client running");
    expect(log).not.toContain(postgres.password);

    const bad = await site.ended(await site.start(await deploy("shop-db-wrong")), 90_000);
    expect(bad).toMatchObject({ state: "failed", failure: { category: "ExitCode" } });
    expect(`${bad.failure?.detail} ${bad.failure?.logTail.join("\n")}`).toMatch(/password authentication failed/);
  } finally {
    await postgres.close();
    await openMetadata.close();
  }
});
