import { clip } from "../base/clip.ts";
import { CodedError, errorCode } from "../base/errors.ts";
import { jsonForYaml } from "../base/exact-json.ts";
import type { Log } from "../base/log.ts";
import { RUN_MARK_VARIABLE } from "../executor/process/leftovers.ts";
import type { JsonObject } from "../protocol/messages.ts";
import { joinPath, remove } from "../runtime/files.ts";
import { type PrivateDirectory, runFilesPrefix, writePrivateFile } from "../runtime/memory-directory.ts";
import { withoutDollars } from "../secrets/json.ts";
import { WRAPPER_ERRORS } from "./errors.ts";

/** Stands in an argument for the path of the configuration file. */
export const CONFIG_PLACEHOLDER = "{config}";

const CONFIG_FILE = "config.json";

/** Largest configuration in the variable `config`. One string of an environment may hold 128 KiB on Linux (measured). */
export const MAX_VARIABLE_BYTES = 122_880;

/** What is handed to the program. Values are resolved: this must not be logged. */
export interface HandOverOptions {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly config: JsonObject | undefined;
  readonly pipelineType: string | undefined;
  readonly runId: string | undefined;
  readonly fullyQualifiedName: string | undefined;
  /** Absent where no stray process can outlive the wrapper: the program gets no variable of ours then. */
  readonly mark: string | undefined;
  readonly log: Log;
}

/** The command and environment of one start, and what has to be cleared away after it. */
export interface HandOver {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Removes the configuration file. */
  clear(): Promise<void>;
}

/**
 * Prepares the container contract (facts: openmetadata-contract §4): `config`, `pipelineType`, `pipelineRunId`,
 * `ingestionPipelineFQN`, `PYTHONUNBUFFERED`. With `{config}` in the command the configuration is in a file of mode 0600 in a
 * private directory on a memory file system, and not in the environment.
 * @throws CodedError BadCommand, BadVariable, ConfigTooLarge, ConfigFileFailed
 */
export async function handOver(options: HandOverOptions): Promise<HandOver> {
  const [program, ...args] = options.command;
  if (program === undefined || program === "")
    throw new CodedError(WRAPPER_ERRORS.BadCommand, "Cannot start a program: the command is empty");
  const env = { ...options.environment, ...contractVariables(options) };
  if (options.config === undefined) return { program, args, env: checked(env), clear: async () => undefined };
  const text = jsonForYaml(withRunId(options.config, options.runId));
  if (!options.command.some((part) => part.includes(CONFIG_PLACEHOLDER))) {
    checkSize(text);
    return { program, args, env: checked({ ...env, config: text }), clear: async () => undefined };
  }
  checked(env);
  const directory = await writeConfig(withoutDollars(text), options);
  if (!directory.inMemory) {
    options.log.warn("The configuration with resolved secrets is in a file on a disk: there is no memory file system", {
      place: "temporary directory",
    });
  }
  const path = joinPath(directory.path, CONFIG_FILE);
  const [file, ...rest] = options.command.map((part) => part.replaceAll(CONFIG_PLACEHOLDER, () => path));
  return { program: file ?? program, args: rest, env, clear: () => remove(directory.path) };
}

async function writeConfig(text: string, options: HandOverOptions): Promise<PrivateDirectory> {
  try {
    return await writePrivateFile(
      runFilesPrefix(options.mark ?? crypto.randomUUID()),
      CONFIG_FILE,
      text,
      options.environment["XDG_RUNTIME_DIR"],
    );
  } catch (error) {
    const state = `the system answers ${errorCode(error) ?? "an unknown error"}`;
    throw new CodedError(WRAPPER_ERRORS.ConfigFileFailed, `Cannot write the configuration file: ${state}`);
  }
}

function contractVariables(options: HandOverOptions): Record<string, string> {
  const name = options.fullyQualifiedName ?? options.config?.["ingestionPipelineFQN"];
  return {
    PYTHONUNBUFFERED: "1",
    ...(options.mark === undefined ? {} : { [RUN_MARK_VARIABLE]: options.mark }),
    ...(options.pipelineType === undefined ? {} : { pipelineType: options.pipelineType }),
    ...(options.runId === undefined ? {} : { pipelineRunId: options.runId }),
    ...(typeof name === "string" ? { ingestionPipelineFQN: name } : {}),
  };
}

function withRunId(config: JsonObject, runId: string | undefined): JsonObject {
  return runId === undefined ? config : { ...config, pipelineRunId: runId };
}

function checkSize(text: string): void {
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= MAX_VARIABLE_BYTES) return;
  throw new CodedError(
    WRAPPER_ERRORS.ConfigTooLarge,
    `Cannot hand the configuration over in a variable: it has ${bytes} bytes, and ${MAX_VARIABLE_BYTES} fit`,
  );
}

/** Node refuses such variables with a message that quotes the value, so they are refused before. */
function checked(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(env)) {
    const shown = JSON.stringify(clip(name, 100));
    if (name === "" || /[=\0]/.test(name))
      throw new CodedError(WRAPPER_ERRORS.BadVariable, `Cannot set the variable ${shown}: this is no name`);
    if (value.includes("\0"))
      throw new CodedError(
        WRAPPER_ERRORS.BadVariable,
        `Cannot set the variable ${shown}: its value holds a NUL character`,
      );
  }
  return env;
}
