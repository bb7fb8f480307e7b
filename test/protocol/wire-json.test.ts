import { describe, expect, it } from "vitest";
import { z } from "zod";
import { exactNumber } from "../../src/base/exact-json.ts";
import { API_ROUTES } from "../../src/gateway/api/catalogue.ts";
import { CATALOGUE } from "../../src/protocol/catalogue.ts";
import { FREE_JSON_FIELDS, readWireJson } from "../../src/protocol/wire-json.ts";

interface Schema {
  readonly id?: string;
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly [name: string]: unknown;
}

/** Names of fields in a schema, parted by whether they hold free JSON. */
function fieldsOf(schema: Schema, free: Set<string>, others: Set<string>): void {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const within = [field, ...(field.allOf ?? []), ...(field.anyOf ?? [])];
    (within.some(({ $ref }) => $ref === "#/$defs/JsonObject") ? free : others).add(name);
  }
  for (const inner of Object.values(schema)) {
    if (Array.isArray(inner)) for (const item of inner) fieldsOf(item as Schema, free, others);
    else if (typeof inner === "object" && inner !== null) fieldsOf(inner as Schema, free, others);
  }
}

describe("FREE_JSON_FIELDS", () => {
  it("are the fields of frames and of the API's bodies that hold free JSON, and no others", () => {
    const [free, others] = [new Set<string>(), new Set<string>()];
    const bodies = [
      ...Object.values(CATALOGUE).map(({ body }) => body),
      ...Object.values(API_ROUTES).flatMap((route) =>
        "body" in route && route.body !== undefined ? [route.body] : [],
      ),
    ];
    for (const body of bodies) fieldsOf(z.toJSONSchema(body as z.ZodType) as Schema, free, others);
    expect([...free].sort()).toEqual([...FREE_JSON_FIELDS].sort());
    expect([...others].filter((name) => FREE_JSON_FIELDS.has(name))).toEqual([]);
  });
});

describe("readWireJson", () => {
  it("keeps numbers as written in free JSON, and takes them for their value elsewhere", () => {
    const text = '{"timeoutSeconds":60.0,"pages":[1e2,{"limit":-0}],"sourceConfig":{"config":{"n":60.0},"list":[1e2]}}';
    expect(readWireJson(text, 10)).toEqual({
      value: {
        timeoutSeconds: 60,
        pages: [100, { limit: -0 }],
        sourceConfig: { config: { n: exactNumber("60.0") }, list: [exactNumber("1e2")] },
      },
    });
  });

  it("takes a number in place of free JSON for its value, so that a schema refuses it", () => {
    expect(readWireJson('{"config":1.0}', 10)).toEqual({ value: { config: 1 } });
  });

  it.each([
    ["in a text", '{"a":"\\ud800"}'],
    ["in a key", '{"\\uDFFF":1,"b":"\\ud83d\\ude00"}'],
    ["in free JSON", '{"config":{"list":["\\ud83d!"]}}'],
  ])("refuses half of a surrogate pair %s", (_where, text) => {
    expect(readWireJson(text, 10)).toEqual({ mistake: "not well-formed Unicode" });
  });

  it.each(['{"a":"\\ud83d\\ude00"}', '{"a":"\\\\ud800"}'])("takes %s", (text) => {
    expect(readWireJson(text, 10)).toEqual({ value: JSON.parse(text) });
  });
});
