import { z } from "zod";
import { CATALOGUE } from "../../src/protocol/catalogue.ts";

/** The part of JSON Schema that zod writes for our shapes. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly description?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly format?: string;
}

/** Bodies of all messages by type, and the named shapes they share. */
export interface ProtocolSchemas {
  readonly bodies: Readonly<Record<string, JsonSchema>>;
  readonly shared: Readonly<Record<string, JsonSchema>>;
}

/** Derives JSON Schema from the message catalogue. */
export function protocolSchemas(): ProtocolSchemas {
  const shared: Record<string, JsonSchema> = {};
  const bodies: Record<string, JsonSchema> = {};
  for (const [type, entry] of Object.entries(CATALOGUE)) {
    const { $schema: _, $defs, ...schema } = z.toJSONSchema(entry.body) as JsonSchema & { $schema?: string };
    Object.assign(shared, $defs);
    bodies[type] = schema;
  }
  return { bodies, shared: rename(shared) };
}

/** zod names the recursive shape inside `z.json()` by number; we give it the name the documents use. */
function rename(shared: Record<string, JsonSchema>): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(shared).filter(([name]) => !name.startsWith("__")));
}
