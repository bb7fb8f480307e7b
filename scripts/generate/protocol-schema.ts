import { BOUNDS } from "../../src/protocol/bounds.ts";
import { CATALOGUE } from "../../src/protocol/catalogue.ts";
import { protocolSchemas } from "./json-schema.ts";

/** docs/protocol.schema.json: one JSON Schema for every frame, for runners in other languages. */
export function protocolSchema(): string {
  const { bodies, shared } = protocolSchemas();
  const frames = Object.entries(bodies).map(([type, body]) => {
    const { kind, direction } = CATALOGUE[type as keyof typeof CATALOGUE];
    const update = kind === "update";
    const frame = {
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
    return { type, direction, frame };
  });
  const travelling = (way: "up" | "down"): object => ({
    oneOf: frames
      .filter(({ direction }) => direction === "both" || direction === way)
      .map(({ type }) => ({ $ref: `#/$defs/frame ${type}` })),
  });
  const text = JSON.stringify({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Hybrid Runner protocol, versions 1 and 2: one frame",
    description: "For the frames of one direction use #/$defs/up (runner to gateway) or #/$defs/down.",
    anyOf: [{ $ref: "#/$defs/up" }, { $ref: "#/$defs/down" }],
    $defs: {
      up: travelling("up"),
      down: travelling("down"),
      ...Object.fromEntries(frames.map(({ type, frame }) => [`frame ${type}`, frame])),
      ...shared,
      Json: {},
    },
  }).replaceAll(/#\/\$defs\/__schema\d+/g, "#/$defs/Json");
  return text;
}
