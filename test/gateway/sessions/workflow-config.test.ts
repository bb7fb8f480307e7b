import { describe, expect, it } from "vitest";
import { Sensitive } from "../../../src/base/sensitive.ts";
import { pipelineBody, pipelineHash } from "../../../src/gateway/sessions/workflow-config.ts";
import { pipeline, service } from "../store/records.ts";

const noToken = { botToken: async () => undefined };
const withToken = { botToken: async () => new Sensitive("jwt") };
const serverApiUrl = "http://openmetadata:8585/api";

describe("pipelineBody", () => {
  it("builds the configuration OpenMetadata's own builder would, with the service's connection", async () => {
    const shop = service({ name: "shop", serviceType: "Mysql", connection: { hostPort: "db:3306" } });
    const one = pipeline({ fullyQualifiedName: "shop.metadata", timeoutSeconds: 60 });
    const body = await pipelineBody(withToken, one, shop, { serverApiUrl });
    expect(body).toMatchObject({ pipelineId: one.pipelineId, generation: 1, hash: one.hash, timeoutSeconds: 60 });
    expect(body.config).toEqual({
      source: {
        type: "mysql",
        serviceName: "shop",
        serviceConnection: { config: { hostPort: "db:3306" } },
        sourceConfig: { config: { type: "DatabaseMetadata" } },
      },
      sink: { type: "metadata-rest", config: {} },
      workflowConfig: {
        loggerLevel: "INFO",
        openMetadataServerConfig: {
          hostPort: serverApiUrl,
          authProvider: "openmetadata",
          securityConfig: { jwtToken: "jwt" },
        },
      },
      ingestionPipelineFQN: "shop.metadata",
    });
  });

  it("leaves a connection alone that is one reference under config, and a sink of its own", async () => {
    const shop = service({ connection: { config: "secret:/demo/shop/connection" } });
    const sink = { type: "file", config: { filename: "/tmp/x" } };
    const { config } = await pipelineBody(noToken, pipeline({ sink }), shop, { serverApiUrl });
    expect(config).toMatchObject({ source: { serviceConnection: { config: "secret:/demo/shop/connection" } }, sink });
  });

  it("names no server without a bot token, or without the server's address", async () => {
    for (const [store, settings] of [
      [noToken, { serverApiUrl }],
      [withToken, {}],
    ] as const) {
      const { config } = await pipelineBody(store, pipeline(), service(), settings);
      expect(config["workflowConfig"]).toEqual({ loggerLevel: "INFO" });
    }
  });

  it("refuses a configuration that fits no frame", async () => {
    const huge = pipeline({ sourceConfig: { filter: "é".repeat(400_000) } });
    await expect(pipelineBody(noToken, huge, service())).rejects.toMatchObject({ code: "PipelineTooLarge" });
  });
});

describe("pipelineHash", () => {
  it("is the same whatever the order of keys and the hash inside, and another for any change", async () => {
    const body = await pipelineBody(
      noToken,
      pipeline({ sourceConfig: { a: 1, b: { c: [1, 2], d: null } } }),
      service(),
    );
    const config = { ...body.config };
    const reversed = Object.fromEntries(Object.entries(config).reverse());
    expect(pipelineHash({ ...body, hash: "other", config: reversed })).toBe(pipelineHash(body));
    expect(pipelineHash({ ...body, generation: 2 })).not.toBe(pipelineHash(body));
    expect(pipelineHash({ ...body, config: { ...config, more: [] } })).not.toBe(pipelineHash(body));
    expect(pipelineHash({ ...body, config: { list: [1, 2] } })).not.toBe(
      pipelineHash({ ...body, config: { list: [2, 1] } }),
    );
  });
});
