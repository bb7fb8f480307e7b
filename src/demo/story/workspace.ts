import { CodedError } from "../../base/errors.ts";
import { joinPath, makeDirectory, writeDurably } from "../../runtime/files.ts";
import { makeTemporaryDirectory, takeEmptyDirectory } from "../../runtime/private-directory.ts";
import { storageAdvice } from "../../runtime/storage-advice.ts";
import { DEMO_ERRORS } from "../errors.ts";
import { connectionString } from "../shop/database.ts";

/** What a service's connection says instead of the connection string. */
export const REFERENCE = "secret:/demo/shop/connection";

/** Where everything of one demo lies; only this user may enter. */
export interface Workspace {
  readonly root: string;
  readonly gatewayData: string;
  readonly runnerData: string;
  readonly runnerToken: string;
  readonly secrets: string;
  readonly database: string;
  readonly metadataFile: string;
  readonly gatewayLog: string;
  readonly runnerLog: string;
  readonly frames: string;
  readonly answers: string;
  /** The run's whole log as the gateway gave it. */
  readonly runLog: string;
  /** The resolved connection string; and the random part of it, which occurs in nothing else. */
  readonly secret: { readonly value: string; readonly token: string };
}

/**
 * Makes the directories. The database lies in a folder with a random name, so that its connection string can't be guessed
 * or come from anywhere but the runner's secret directory.
 * @throws CodedError DemoDirectoryInUse, DemoDirectoryUnusable
 */
export async function makeWorkspace(directory?: string): Promise<Workspace> {
  try {
    return await makeDirectories(directory);
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    const what = directory ?? "a temporary directory";
    throw new CodedError(DEMO_ERRORS.DemoDirectoryUnusable, `Cannot make ${what}: the system refused`, {
      cause,
      advice: storageAdvice(cause, "name another one with --directory") ?? DEMO_ERRORS.DemoDirectoryUnusable.advice,
    });
  }
}

async function makeDirectories(directory: string | undefined): Promise<Workspace> {
  const root =
    directory === undefined ? await makeTemporaryDirectory("hybrid-runner-demo-") : await takeEmptyDirectory(directory);
  if (root === undefined) {
    throw new CodedError(DEMO_ERRORS.DemoDirectoryInUse, `Cannot use ${directory}: the directory is not empty`);
  }
  const token = crypto.randomUUID().replaceAll("-", "");
  const source = joinPath(root, `source-${token}`);
  const database = joinPath(source, "shop.db");
  const inRoot = (...parts: string[]): string => joinPath(root, ...parts);
  for (const name of ["gateway", "runner", "secrets", "logs", "results"]) await makeDirectory(inRoot(name));
  await makeDirectory(source);
  return {
    root,
    gatewayData: inRoot("gateway"),
    runnerData: inRoot("runner"),
    runnerToken: inRoot("runner-token"),
    secrets: inRoot("secrets"),
    database,
    metadataFile: inRoot("results", "metadata.json"),
    gatewayLog: inRoot("logs", "gateway.log"),
    runnerLog: inRoot("logs", "runner.log"),
    frames: inRoot("logs", "frames.jsonl"),
    answers: inRoot("logs", "api-answers.txt"),
    runLog: inRoot("logs", "run.log"),
    secret: { value: connectionString(database), token },
  };
}

/** Puts the connection string where the runner's side resolves the reference from. */
export async function writeSecret(workspace: Workspace): Promise<void> {
  const directory = joinPath(workspace.secrets, "demo", "shop");
  await makeDirectory(directory);
  await writeDurably(joinPath(directory, "connection"), workspace.secret.value);
}
