import { openApiDocument } from "../../src/gateway/api/openapi.ts";

/** docs/openapi.json: the gateway's REST API, as the gateway itself serves it at /api/v1/openapi.json. */
export function openApi(): string {
  return JSON.stringify(openApiDocument());
}
