import { CodedError } from "../../base/errors.ts";
import { DEMO_ERRORS } from "../errors.ts";
import type { TableFilter } from "./table-filter.ts";
import { readTableFilter } from "./table-filter.ts";

/** What the sample ingestion was asked to do. */
export interface ConnectorInput {
  readonly runId: string;
  readonly serviceName: string;
  /** As it came, resolved by whoever started us. */
  readonly connection: string;
  /** Path of the database, taken from the connection string. */
  readonly databasePath: string;
  readonly filter: TableFilter;
  /** Where the metadata is written. */
  readonly metadataFile: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the container contract: variables `config` (JSON), `pipelineType` and `pipelineRunId`
 * (facts: openmetadata-contract §4.1). Messages never repeat a value: it could be the connection.
 * @throws CodedError ConnectorInputInvalid
 */
export function readConnectorInput(environment: Environment): ConnectorInput {
  const pipelineType = required(environment, "pipelineType");
  if (pipelineType !== "metadata")
    throw invalid(`there is no workflow for pipelineType ${JSON.stringify(pipelineType)}`);
  const config = parseConfig(required(environment, "config"));
  const source = objectAt(config, "source");
  if (source === undefined) throw invalid("config has no source");
  if (String(source["type"]).toLowerCase() !== "sqlite") throw invalid("source.type is not sqlite");
  const connection = findConnection(objectAt(source, "serviceConnection")?.["config"]);
  if (connection === undefined) throw invalid("source.serviceConnection.config holds no sqlite:// connection string");
  const filename = objectAt(objectAt(config, "sink"), "config")?.["filename"];
  if (typeof filename !== "string" || filename === "") throw invalid("sink.config.filename is missing");
  const sourceConfig = objectAt(source, "sourceConfig");
  return {
    runId: required(environment, "pipelineRunId"),
    serviceName: typeof source["serviceName"] === "string" ? source["serviceName"] : "sqlite",
    connection,
    databasePath: databasePath(connection),
    filter: readTableFilter(objectAt(sourceConfig, "config") ?? sourceConfig ?? {}),
    metadataFile: filename,
  };
}

function parseConfig(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (isObject(parsed)) return parsed;
  } catch {
    // told below: the parser's message would quote the text
  }
  throw invalid("config is not a JSON object");
}

/** The connection string itself, or the first one inside an object of connection fields. */
function findConnection(value: unknown, depth = 0): string | undefined {
  if (typeof value === "string") return value.startsWith("sqlite://") ? value : undefined;
  if (!isObject(value) || depth === 3) return undefined;
  return Object.values(value)
    .map((field) => findConnection(field, depth + 1))
    .find((found) => found !== undefined);
}

function databasePath(connection: string): string {
  try {
    const path = decodeURIComponent(connection.slice("sqlite://".length));
    if (path.startsWith("/")) return path.replace(/^\/+/, "/");
  } catch {
    // a stray percent sign; told below
  }
  throw invalid("the connection string is not of the form sqlite:///absolute/path");
}

function required(environment: Environment, name: string): string {
  const value = environment[name];
  if (value === undefined || value === "") throw invalid(`the environment variable ${name} is missing`);
  return value;
}

function objectAt(value: unknown, key: string): Readonly<Record<string, unknown>> | undefined {
  const found = isObject(value) ? value[key] : undefined;
  return isObject(found) ? found : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(state: string): CodedError {
  return new CodedError(DEMO_ERRORS.ConnectorInputInvalid, `Cannot start the ingestion: ${state}`);
}
