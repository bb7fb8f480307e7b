import { BOUNDS } from "../../src/protocol/bounds.ts";
import { CATALOGUE } from "../../src/protocol/catalogue.ts";
import { protocolSchemas } from "./json-schema.ts";

/** docs/protocol.schema.json: one JSON Schema for every frame, for runners in other languages. */
export function protocolSchema(): string {
  const { bodies, shared } = protocolSchemas();
  const frames = Object.entries(bodies).map(([type, body]) => {
    const update = CATALOGUE[type as keyof typeof CATALOGUE].kind === "update";
    return {
      type: "object",
      properties: {
        type: { const: type },
        epoch: { type: "integer", minimum: 0, maximum: BOUNDS.epoch.most },
        ...(update ? { seq: { type: "integer", minimum: BOUNDS.seq.least, maximum: BOUNDS.seq.most } } : {}),
        body,
      },
      required: ["type", "epoch", ...(update ? ["seq"] : []), "body"],
      additionalProperties: false,
    };
  });
  const text = JSON.stringify({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Hybrid Runner protocol, versions 1 and 2: one frame",
    oneOf: frames,
    $defs: { ...shared, Json: {} },
  }).replaceAll(/#\/\$defs\/__schema\d+/g, "#/$defs/Json");
  return text;
}
