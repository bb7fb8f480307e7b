import { CATALOGUE } from "../../src/protocol/catalogue.ts";
import { type JsonSchema, protocolSchemas } from "./json-schema.ts";

/** src/protocol/messages.ts: the TypeScript types of the catalogue. */
export function protocolTypes(): string {
  const { bodies, shared } = protocolSchemas();
  const out = [
    "// Generated from catalogue.ts by `npm run generate`. Do not edit.",
    "",
    "/** Any JSON value. */",
    "export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };",
    "",
  ];
  for (const [name, schema] of Object.entries(shared).sort()) {
    out.push(`/** ${schema.description ?? "One of the protocol's shared shapes."} */`);
    out.push(`export type ${name} = ${typeOf(schema)};`, "");
  }
  out.push("/** Body of each message by its type. */", "export interface MessageBodies {");
  for (const [type, schema] of Object.entries(bodies)) out.push(`  ${quoteKey(type)}: ${typeOf(schema)};`);
  out.push("}", "", "/** Every message type. */", "export type MessageType = keyof MessageBodies;", "");
  const operations = Object.entries(CATALOGUE).filter(([, entry]) => entry.kind === "operation");
  out.push("/** Messages that ask a runner for something. */");
  out.push(`export type OperationType = ${operations.map(([type]) => JSON.stringify(type)).join(" | ")};`, "");
  return out.join("\n");
}

function typeOf(schema: JsonSchema): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.replace("#/$defs/", "");
    return name.startsWith("__") ? "Json" : name;
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const union = schema.anyOf ?? schema.oneOf;
  if (union !== undefined) return union.map(typeOf).join(" | ");
  switch (schema.type) {
    case "string":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "null":
      return "null";
    case "array":
      return `(${typeOf(schema.items ?? {})})[]`;
    case "object":
      return schema.properties === undefined ? "{ [key: string]: Json }" : objectType(schema);
    default:
      throw new Error(`Cannot write a type for ${JSON.stringify(schema)}`);
  }
}

function objectType(schema: JsonSchema): string {
  const fields = Object.entries(schema.properties ?? {}).map(([key, field]) => {
    const doc = field.description === undefined ? "" : `/** ${field.description} */ `;
    const optional = schema.required?.includes(key) === true ? "" : "?";
    return `${doc}${quoteKey(key)}${optional}: ${typeOf(field)};`;
  });
  return fields.length === 0 ? "Record<string, never>" : `{\n${fields.join("\n")}\n}`;
}

function quoteKey(key: string): string {
  return /^\w+$/.test(key) ? key : JSON.stringify(key);
}
