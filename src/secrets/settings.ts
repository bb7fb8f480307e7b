import { z } from "zod";

/** Secrets in environment variables; see providers/env.ts for how a name becomes a variable. */
export interface EnvSecretsSettings {
  readonly provider: "env";
  /** What the variables' names begin with; `HYBRID_RUNNER_SECRET_` when absent. */
  readonly prefix?: string;
}

/** Secrets in files; see providers/file.ts. */
export interface FileSecretsSettings {
  readonly provider: "file";
  /** A directory with one file a secret, or one JSON or YAML file. */
  readonly path: string;
}

/**
 * Which secret store a run uses and where it is. Holds no secret: it travels as JSON from the runner to the run's supervisor.
 * One member a provider; the name is the row in catalogue.ts.
 */
export type SecretsSettings = EnvSecretsSettings | FileSecretsSettings;

/** Checks settings that come from a file or another process. */
export const secretsSettingsSchema: z.ZodType<SecretsSettings> = z.discriminatedUnion("provider", [
  z.strictObject({
    provider: z.literal("env"),
    prefix: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the beginning of a variable's name")
      .exactOptional(),
  }),
  z.strictObject({ provider: z.literal("file"), path: z.string().min(1, "must name a directory or a file") }),
]);
