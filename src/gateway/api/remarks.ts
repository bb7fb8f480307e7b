import { CodedError } from "../../base/errors.ts";
import { isExactNumber } from "../../base/exact-json.ts";
import { nearName } from "../../base/near-name.ts";
import { isReference, nearReference, referenceMistake } from "../../base/secret-reference.ts";
import type { Json, JsonObject } from "../../protocol/messages.ts";
import type { Store } from "../store/store.ts";
import { API_ERRORS } from "./errors.ts";

/** What kinds of warnings there are. */
export const WARNING_CODES = [
  "PlainCredential",
  "NotAReference",
  "UnknownRunner",
  "RetiredRunner",
  "UnknownPipelineType",
  "RetriesNotKept",
  "ConfigUnwrapped",
] as const;

/** Something that was taken and may not be meant so. */
export interface Warning {
  readonly code: (typeof WARNING_CODES)[number];
  /** Where it stands in the body: `connection.password`. */
  readonly field: string;
  readonly message: string;
}

/** Configurations by the field they stand in. */
export type Configurations = Readonly<Record<string, JsonObject | undefined>>;

const MOST = 20;

/** Names of fields that hold credentials, however they are spelt. */
const CREDENTIAL =
  /(?:password|passwd|pwd|passphrase|secret|token|apikey|privatekey|secretkey|accesskey|credential|credentials)$/;
/** A user with a password in an address. */
const PASSWORD_IN_ADDRESS = /:\/\/[^/\s:@]*:[^/\s@]+@/;

/**
 * Looks through configurations: references that can't be read are refused, what looks like one and what looks like a credential is
 * told. No value is repeated. @throws CodedError BadRequest that names the places
 */
export function remarksOn(configurations: Configurations): readonly Warning[] {
  const mistakes: string[] = [];
  const warnings: Warning[] = [];
  const visit = (value: Json | undefined, place: string, name: string): void => {
    if (typeof value === "string") {
      const mistake = isReference(value) ? referenceMistake(value) : undefined;
      if (mistake !== undefined) mistakes.push(`${place}: is a reference that ${mistake}`);
      const warning = remarkOn(value, place, name);
      if (warning !== undefined) warnings.push(warning);
    } else if (typeof value === "object" && value !== null && !isExactNumber(value)) {
      for (const [key, child] of Object.entries(value)) {
        visit(child, `${place}.${key}`, Array.isArray(value) ? name : key);
      }
    }
  };
  for (const [field, configuration] of Object.entries(configurations)) visit(configuration, field, field);
  if (mistakes.length > 0) {
    const told = mistakes.slice(0, MOST).join("; ");
    throw new CodedError(API_ERRORS.BadRequest, `Cannot take the configuration: ${told}`);
  }
  return warnings.slice(0, MOST);
}

function remarkOn(value: string, field: string, name: string): Warning | undefined {
  if (value === "" || isReference(value)) return undefined;
  const near = nearReference(value);
  if (near !== undefined) {
    const message = `looks like a secret reference and reaches the program as it is: it ${near}`;
    return { code: "NotAReference", field, message };
  }
  const plainName = name.toLowerCase().replaceAll(/[^a-z]/g, "");
  if (!CREDENTIAL.test(plainName) && !PASSWORD_IN_ADDRESS.test(value)) return undefined;
  const message =
    'looks like a credential in clear: keep it in the secret store of the runner and write the reference to it, such as "secret:/shop/password"';
  return { code: "PlainCredential", field, message };
}

/** Without a second `config` around it, as people who know OpenMetadata's own form write it. */
export function unwrapped(sourceConfig: JsonObject): JsonObject {
  const inner = sourceConfig["config"];
  const isWrapped = Object.keys(sourceConfig).length === 1 && typeof inner === "object" && inner !== null;
  return isWrapped && !Array.isArray(inner) && !isExactNumber(inner) ? inner : sourceConfig;
}

/** Told when something was unwrapped. */
export function unwrapRemarks(field: string, given: JsonObject | undefined): readonly Warning[] {
  if (given === undefined || unwrapped(given) === given) return [];
  const message = "the gateway puts `config` around it itself, so the one that was written is taken off";
  return [{ code: "ConfigUnwrapped", field, message }];
}

/** OpenMetadata's, as its ingestion image knows them. */
const PIPELINE_TYPES = [
  "metadata",
  "usage",
  "lineage",
  "profiler",
  "autoClassification",
  "TestSuite",
  "dataInsight",
  "elasticSearchReindex",
  "dbt",
  "application",
  "policyAgent",
] as const;

/** Told when a type is none of OpenMetadata's: a program of one's own may know it, the ingestion image doesn't. */
export function typeRemarks(pipelineType: string): readonly Warning[] {
  if (PIPELINE_TYPES.some((known) => known === pipelineType)) return [];
  const near = nearName(pipelineType, PIPELINE_TYPES, 3);
  const meant = near === undefined ? `OpenMetadata knows ${PIPELINE_TYPES.join(", ")}` : `did you mean ${near}?`;
  const message = `${pipelineType} is none of OpenMetadata's types, and reaches the program as it is: ${meant}`;
  return [{ code: "UnknownPipelineType", field: "pipelineType", message }];
}

/** What is to be told of the runner that something is meant for. */
export async function runnerRemarks(
  { findRunner }: Pick<Store, "findRunner">,
  runnerId: string,
  { retries = 0 }: { readonly retries?: number | undefined } = {},
): Promise<readonly Warning[]> {
  const runner = await findRunner(runnerId);
  if (runner === undefined) {
    const message = `no runner ${runnerId} is known here, it has never connected or was removed: runs wait for it`;
    return [{ code: "UnknownRunner", field: "runnerId", message }];
  }
  if (runner.retiredAt !== undefined) {
    const message = `runner ${runnerId} is retired: runs that are ordered fail`;
    return [{ code: "RetiredRunner", field: "runnerId", message }];
  }
  if (retries === 0 || runner.executor !== "process") return [];
  const message = `runner ${runnerId} has the executor process, which doesn't try failed runs again`;
  return [{ code: "RetriesNotKept", field: "retries", message }];
}

/** An answer with what is to be told, if anything is. */
export function remarked<T extends object>(
  answer: T,
  warnings: readonly Warning[],
): T & { readonly warnings?: readonly Warning[] } {
  return warnings.length === 0 ? answer : { ...answer, warnings };
}
