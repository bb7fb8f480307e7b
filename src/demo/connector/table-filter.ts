import { CodedError } from "../../base/errors.ts";
import { DEMO_ERRORS } from "../errors.ts";

/** Says which schemas and tables are wanted. */
export interface TableFilter {
  wantsSchema(name: string): boolean;
  wantsTable(name: string): boolean;
}

/**
 * Reads `schemaFilterPattern` and `tableFilterPattern` of a sourceConfig. Each may hold `includes` and `excludes`, lists of
 * regular expressions matched at the beginning of the name, upper and lower case alike; an exclude wins.
 * @throws CodedError ConnectorInputInvalid for a pattern that can't be read
 */
export function readTableFilter(sourceConfig: Readonly<Record<string, unknown>>): TableFilter {
  return {
    wantsSchema: readPattern(sourceConfig, "schemaFilterPattern"),
    wantsTable: readPattern(sourceConfig, "tableFilterPattern"),
  };
}

function readPattern(sourceConfig: Readonly<Record<string, unknown>>, key: string): (name: string) => boolean {
  const pattern = sourceConfig[key];
  if (pattern === undefined || pattern === null) return () => true;
  if (typeof pattern !== "object") throw invalid(key);
  const { includes, excludes } = pattern as { includes?: unknown; excludes?: unknown };
  const wanted = expressions(includes, `${key}.includes`);
  const unwanted = expressions(excludes, `${key}.excludes`);
  return (name) => {
    if (unwanted.some((expression) => expression.test(name))) return false;
    return wanted.length === 0 || wanted.some((expression) => expression.test(name));
  };
}

function expressions(value: unknown, where: string): readonly RegExp[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(where);
  return value.map((text: unknown) => {
    if (typeof text !== "string") throw invalid(where);
    try {
      return new RegExp(`^(?:${text})`, "i");
    } catch (cause) {
      throw invalid(where, cause);
    }
  });
}

function invalid(where: string, cause?: unknown): CodedError {
  const message = `Cannot start the ingestion: ${where} is not a list of regular expressions`;
  return new CodedError(DEMO_ERRORS.ConnectorInputInvalid, message, { cause });
}
