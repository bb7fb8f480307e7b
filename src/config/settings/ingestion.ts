import * as parse from "../values.ts";
import type { SettingRows } from "./row.ts";

/** The ingestion program, whatever executor starts it. */
export interface IngestionSettings {
  readonly ingestionCommand: readonly string[] | undefined;
  readonly automationCommand: readonly string[];
  readonly applicationCommand: readonly string[];
  readonly ingestionExtraEnvs: Readonly<Record<string, string>>;
  readonly maskedVariables: readonly string[];
  readonly ingestionVersion: string | undefined;
}

/** The program of OpenMetadata's own image, as those of automations and applications below (facts: openmetadata-contract §3.2, §4). */
export const COMMAND_IN_PODS: readonly string[] = ["python", "main.py"];

export const INGESTION_SETTINGS: SettingRows<IngestionSettings> = {
  ingestionCommand: {
    variables: ["INGESTION_COMMAND"],
    parse: parse.commandLine,
    fallback: () => undefined,
    otherwise: "python main.py in pods; required with the executor process",
    meaning: "the ingestion program; with the executor process {config} stands for a file with the configuration",
  },
  automationCommand: {
    variables: ["INGESTION_AUTOMATION_COMMAND"],
    parse: parse.commandLine,
    fallback: () => ["python", "run_automation.py"],
    otherwise: "python run_automation.py",
    meaning: "the program for test connections and other automations, in pods",
  },
  applicationCommand: {
    variables: ["INGESTION_APPLICATION_COMMAND"],
    parse: parse.commandLine,
    fallback: () => ["python", "-m", "metadata.applications.runner"],
    otherwise: "python -m metadata.applications.runner",
    meaning: "the program for applications that are run once without being deployed, in pods",
  },
  ingestionExtraEnvs: {
    variables: ["INGESTION_EXTRA_ENVS", "SIMPLEK8S_EXTRA_ENVS", "ARGO_EXTRA_ENVS", "ARGO_EXTRA_ENVS_NOOP"],
    parse: parse.extraEnvironment,
    fallback: () => ({}),
    meaning: "variables for the ingestion program; a value with a comma needs the JSON form",
    secret: "values",
  },
  maskedVariables: {
    variables: ["MASKED_VARIABLES"],
    parse: parse.variableNames,
    fallback: () => [],
    meaning:
      "variables of the ingestion program whose values are masked in its log, besides those with names like DB_PASSWORD or AWS_SECRET_ACCESS_KEY: names with commas between, `*` for any beginning or end",
  },
  ingestionVersion: {
    variables: ["INGESTION_VERSION"],
    parse: parse.text,
    fallback: () => undefined,
    otherwise: "none",
    meaning: "version of the ingestion program, shown in the list of runners",
  },
};
