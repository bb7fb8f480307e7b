import { BOUNDS } from "../../src/protocol/bounds.ts";
import { CATALOGUE, type MessageEntry } from "../../src/protocol/catalogue.ts";
import { CLOSE_CODES } from "../../src/protocol/close-codes.ts";
import { FAILURE_CATEGORIES } from "../../src/protocol/failure-category.ts";
import { LIMITS } from "../../src/protocol/limits.ts";
import { type JsonSchema, protocolSchemas } from "./json-schema.ts";
import { replacePart } from "./replace-part.ts";

const ARROWS = { up: "runner → gateway", down: "gateway → runner", both: "both ways" } as const;

/** docs/protocol.md with every generated part between its marks brought up to date; the prose around them stays. */
export function protocolMarkdown(present: string): string {
  const parts: Record<string, string> = {
    messages: messageTable(),
    bodies: bodySections(),
    shapes: sharedSections(),
    "close-codes": closeCodeTable(),
    limits: limitTable(),
    bounds: boundTable(),
    categories: categoryTable(),
  };
  let text = present;
  for (const [name, body] of Object.entries(parts)) text = replacePart(text, name, body, "docs/protocol.md");
  return text;
}

function messageTable(): string {
  const rows = Object.entries(CATALOGUE).map(([type, entry]: [string, MessageEntry<unknown>]) => {
    return `| \`${type}\` | ${ARROWS[entry.direction]} | ${entry.kind} | ${entry.meaning} | ${entry.duty} |`;
  });
  return ["| type | direction | kind | says | the receiver must |", "|---|---|---|---|---|", ...rows].join("\n");
}

function bodySections(): string {
  return Object.entries(protocolSchemas().bodies)
    .map(([type, schema]) => `#### \`${type}\`\n\n${fieldTable(schema)}`)
    .join("\n\n");
}

function sharedSections(): string {
  return Object.entries(protocolSchemas().shared)
    .sort()
    .map(
      ([name, schema]) =>
        `#### ${name}\n\n${schema.description === undefined ? "" : `${schema.description}\n\n`}${fieldTable(schema)}`,
    )
    .join("\n\n");
}

function fieldTable(schema: JsonSchema): string {
  const union = schema.oneOf ?? schema.anyOf;
  if (union !== undefined) return `One of:\n\n${union.map(fieldTable).join("\n\nor\n\n")}`;
  if (schema.properties === undefined) return shape(schema);
  const fields = Object.entries(schema.properties);
  if (fields.length === 0) return "An empty object.";
  const rows = fields.map(([name, field]) => {
    const presence = schema.required?.includes(name) === true ? "always" : "may be absent";
    return `| \`${name}\` | ${shape(field)} | ${presence} | ${field.description ?? ""} |`;
  });
  return ["| field | shape | present | meaning |", "|---|---|---|---|", ...rows].join("\n");
}

function shape(schema: JsonSchema): string {
  if (schema.$ref !== undefined) return schema.$ref.replace("#/$defs/", "").replace(/^__.*/, "Json");
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(", ");
  const union = schema.anyOf ?? schema.oneOf;
  if (union !== undefined) return union.map(shape).join(" or ");
  if (schema.type === "array") return `list of ${shape(schema.items ?? {})}${count(schema.minItems, schema.maxItems)}`;
  if (schema.type === "object")
    return schema.properties === undefined ? "object" : `{ ${Object.keys(schema.properties).join(", ")} }`;
  if (schema.type === "string") return stringShape(schema);
  if (schema.type === "integer") return integerShape(schema);
  return schema.type ?? "any JSON value";
}

function stringShape(schema: JsonSchema): string {
  if (schema.format === "uuid") return "UUID";
  if (schema.pattern !== undefined && schema.format === undefined)
    return `string, \`${schema.pattern.replaceAll("|", "\\|")}\``;
  const bounds = count(schema.minLength, schema.maxLength);
  return bounds === "" ? "string" : `string${bounds} characters`;
}

function count(least: number | undefined, most: number | undefined): string {
  if (most === undefined) return least === undefined ? "" : `, at least ${least}`;
  return least === undefined ? `, at most ${most}` : `, ${least} to ${most}`;
}

function integerShape(schema: JsonSchema): string {
  const least = schema.minimum ?? (schema.exclusiveMinimum === undefined ? undefined : schema.exclusiveMinimum + 1);
  const bound =
    schema.maximum === undefined || schema.maximum >= Number.MAX_SAFE_INTEGER ? "" : ` to ${schema.maximum}`;
  return least === undefined || least <= Number.MIN_SAFE_INTEGER ? "integer" : `integer from ${least}${bound}`;
}

function closeCodeTable(): string {
  const rows = Object.values(CLOSE_CODES).map((row) => {
    const status = "httpStatus" in row ? row.httpStatus : "";
    return `| ${row.code} | \`${row.name}\` | ${row.meaning} | ${row.retry} | ${status} |`;
  });
  return ["| code | name | meaning | retry | as HTTP status at the upgrade |", "|---|---|---|---|---|", ...rows].join(
    "\n",
  );
}

function limitTable(): string {
  const rows = Object.entries(LIMITS).map(([name, value]) => `| \`${name}\` | ${value} |`);
  return ["| limit | value |", "|---|---|", ...rows].join("\n");
}

function boundTable(): string {
  const rows = Object.entries(BOUNDS).map(([name, { least, most, meaning }]) => {
    return `| \`${name}\` | ${least} | ${most} | ${meaning} |`;
  });
  return ["| number | least | most | meaning |", "|---|---|---|---|", ...rows].join("\n");
}

function categoryTable(): string {
  const rows = Object.entries(FAILURE_CATEGORIES).map(([name, advice]) => `| \`${name}\` | ${advice} |`);
  return ["| category | standard advice |", "|---|---|", ...rows].join("\n");
}
