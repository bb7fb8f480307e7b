import type { SecretsManager } from "../secrets-manager.ts";
import { secretsManager } from "../secrets-manager.ts";
import * as parse from "../values.ts";
import type { SettingRows } from "./row.ts";

/** Which store secret references are resolved from. */
export interface SecretsSettings {
  readonly secretsManager: SecretsManager;
  readonly secretsDirectory: string | undefined;
  readonly secretsFile: string | undefined;
  readonly secretsEnvPrefix: string;
}

export const SECRETS_SETTINGS: SettingRows<SecretsSettings> = {
  secretsManager: {
    variables: ["SECRETS_MANAGER"],
    parse: secretsManager,
    fallback: () => "env",
    otherwise: "`env` with the executor process, else `kubernetes`",
    meaning: "which store secret references are resolved from; this version can read env, file and kubernetes",
  },
  secretsDirectory: {
    variables: ["SECRETS_DIRECTORY"],
    parse: parse.path,
    fallback: () => undefined,
    otherwise: "none",
    meaning: "for SECRETS_MANAGER=file: a directory with one file a secret",
  },
  secretsFile: {
    variables: ["SECRETS_FILE"],
    parse: parse.path,
    fallback: () => undefined,
    otherwise: "none",
    meaning: "for SECRETS_MANAGER=file: one JSON or YAML file with all secrets",
  },
  secretsEnvPrefix: {
    variables: ["SECRETS_ENV_PREFIX"],
    parse: parse.variablePrefix,
    fallback: () => "HYBRID_RUNNER_SECRET_",
    meaning: "for SECRETS_MANAGER=env: what the variables' names begin with",
  },
};
