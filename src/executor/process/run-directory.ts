import type { Clock } from "../../base/clock.ts";
import { CodedError, errorCode } from "../../base/errors.ts";
import { parseExact } from "../../base/exact-json.ts";
import { readShape, type Shape } from "../../base/shape.ts";
import { nextCharacter } from "../../base/utf8.ts";
import type { LogEnd } from "../../protocol/messages.ts";
import type { SecretReads } from "../../protocol/secret-reads.ts";
import {
  baseName,
  createExclusively,
  directoryOf,
  fileSize,
  joinPath,
  listDirectory,
  makeDirectory,
  makeDirectoryWith,
  publishDirectory,
  readBytes,
  readTextIfExists,
  remove,
  writeWhole,
} from "../../runtime/files.ts";
import { removePrivateFiles, runFilesPrefix } from "../../runtime/memory-directory.ts";
import type { ProcessIdentity } from "../../runtime/process.ts";
import { environment } from "../../runtime/system.ts";
import { EXECUTOR_ERRORS } from "../errors.ts";
import { endReport, lastLines, type RunEnding, type RunKey } from "./end-report.ts";
import { endLeftovers, type LeftoverOutcome } from "./leftovers.ts";
import { OutputLog } from "./output-log.ts";
import {
  claimShape,
  intentShape,
  type MomentRecord,
  momentShape,
  type ProgramRecord,
  programShape,
  RECORD_VERSION,
  type RunClaim,
  type RunIntent,
  type SecretReadsRecord,
  secretReadsRecordShape,
} from "./run-records.ts";

/*
 * What runner and supervisor tell each other, on disk: `<data>/runs/<runId>/`.
 *
 *   intent.json     the run as it was asked for; written before the directory gets its name, so a directory is a run
 *   claim.json      who decides about it: its supervisor, or whoever abandoned it; the first one stays
 *   program.json    the started program
 *   stop.json       it shall stop; written before anybody sends TERM
 *   output.log      masked output in UTF-8
 *   end.json        the terminal report; the first one stays
 *   secret-reads.json  how often the secret store was read; gone when the runner has counted it
 *   released.json   the end was acknowledged; retention may remove the directory
 *   supervisor.log  what the supervisor itself had to say
 *   reserve         space given back before the end is written, for a disk that became full
 */

/** Name of the file with a run's terminal report. */
export const END_FILE: string = "end.json";

const TAIL_BYTES = 131_072;
const RESERVE_BYTES = 65_536;

export type { RunEnding, RunKey } from "./end-report.ts";
export type { OutputEnd, OutputLog } from "./output-log.ts";
export type { RunClaim, RunIntent } from "./run-records.ts";

/** Path of a run's masked output. */
export function outputPath(directory: string): string {
  return joinPath(directory, "output.log");
}

/** Path of the supervisor's own words. */
export function supervisorLogPath(directory: string): string {
  return joinPath(directory, "supervisor.log");
}

/** Creates a run's directory, whole and durable. False when there is one already. @throws the system's error */
export async function createRunDirectory(runsDirectory: string, intent: RunIntent): Promise<boolean> {
  const temporary = joinPath(runsDirectory, `.new-${intent.mark}`);
  try {
    await makeDirectoryWith(temporary, { "intent.json": JSON.stringify(intent), reserve: "\0".repeat(RESERVE_BYTES) });
    return await publishDirectory(temporary, joinPath(runsDirectory, intent.spec.runId));
  } finally {
    await remove(temporary);
  }
}

/** Removes a run's directory: it loses its name first, so that nobody sees half of it. */
export async function removeRunDirectory(directory: string): Promise<void> {
  const doomed = joinPath(directoryOf(directory), `.gone-${crypto.randomUUID()}`);
  try {
    await publishDirectory(directory, doomed);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
  await remove(doomed);
}

/** Names of all run directories. Nothing says yet that they are in order. */
export async function listRunDirectories(runsDirectory: string): Promise<readonly string[]> {
  return (await listDirectory(runsDirectory)).filter((name) => !name.startsWith("."));
}

/** Removes what a crash left half made or half removed. Only the holder of the data directory's lock may call it. */
export async function sweepRunDirectories(runsDirectory: string): Promise<void> {
  await makeDirectory(runsDirectory);
  for (const name of await listDirectory(runsDirectory)) {
    if (name.startsWith(".")) await remove(joinPath(runsDirectory, name));
  }
}

/** Removes what killed writers left half made in the directory of a run that is released: nobody writes there any more. */
export async function sweepReleased(directory: string): Promise<void> {
  for (const name of await listDirectory(directory)) {
    if (name.startsWith(".")) await remove(joinPath(directory, name));
  }
}

/** True as long as the run's directory is there. */
export async function runExists(directory: string): Promise<boolean> {
  return (await fileSize(joinPath(directory, "intent.json"))) !== undefined;
}

/** @throws CodedError RunRecordDamaged, as every reader here */
export function readIntent(directory: string): Promise<RunIntent | undefined> {
  return readRecord(directory, "intent.json", intentShape);
}

/** Who decides about the run, or undefined as long as nobody does. */
export function readClaim(directory: string): Promise<RunClaim | undefined> {
  return readRecord(directory, "claim.json", claimShape);
}

/** The started program, or undefined before its start. */
export function readProgram(directory: string): Promise<ProgramRecord | undefined> {
  return readRecord(directory, "program.json", programShape);
}

/** When the run was told to stop, or undefined. */
export function readStop(directory: string): Promise<MomentRecord | undefined> {
  return readRecord(directory, "stop.json", momentShape);
}

/** When the run's end was acknowledged, or undefined. */
export function readReleased(directory: string): Promise<MomentRecord | undefined> {
  return readRecord(directory, "released.json", momentShape);
}

/** Takes the right to decide about the run. False when somebody else has it. */
export function takeClaim(directory: string, claim: RunClaim): Promise<boolean> {
  return createExclusively(joinPath(directory, "claim.json"), JSON.stringify(claim));
}

/** Notes the started program. A power cut ends the program as well, and a run without its end is `Lost` then, with this or without. */
export function writeProgram(directory: string, identity: ProcessIdentity, startedAt: number): Promise<void> {
  const record: ProgramRecord = { version: RECORD_VERSION, startedAt, identity };
  return writeWhole(joinPath(directory, "program.json"), JSON.stringify(record));
}

/** Notes that the run shall stop; the first note stays. */
export async function writeStop(directory: string, at: number): Promise<void> {
  const record: MomentRecord = { version: RECORD_VERSION, at };
  await createExclusively(joinPath(directory, "stop.json"), JSON.stringify(record));
}

/** Notes that the run's end was acknowledged; the first note stays. */
export async function writeReleased(directory: string, at: number): Promise<void> {
  const record: MomentRecord = { version: RECORD_VERSION, at };
  await createExclusively(joinPath(directory, "released.json"), JSON.stringify(record));
}

/** Notes how often the secret store was read. It is lost in a power cut, and nothing else with it. */
export async function writeSecretReads(directory: string, reads: SecretReads): Promise<void> {
  const record: SecretReadsRecord = { version: RECORD_VERSION, reads };
  await writeWhole(joinPath(directory, "secret-reads.json"), JSON.stringify(record));
}

/** What `writeSecretReads` has noted, once: it is removed. */
export async function takeSecretReads(directory: string): Promise<SecretReads | undefined> {
  const record = await readRecord(directory, "secret-reads.json", secretReadsRecordShape);
  if (record !== undefined) await remove(joinPath(directory, "secret-reads.json"));
  return record?.reads;
}

/** Opens the output of a run that has just been claimed. */
export function openOutput(directory: string): Promise<OutputLog> {
  return OutputLog.open(outputPath(directory));
}

/**
 * Writes the terminal report, with the log's last lines in a failure. False when there is one already, which stays.
 * Nothing of the run may live any more, and its log is closed.
 */
export async function writeEnd(directory: string, run: RunKey, ending: RunEnding, log: LogEnd): Promise<boolean> {
  await remove(joinPath(directory, "reserve"));
  await forgetCredentials(directory);
  const tail = ending.failure === undefined ? [] : await readLogTail(directory);
  return createExclusively(joinPath(directory, END_FILE), JSON.stringify(endReport(run, ending, log, tail)));
}

/** A run that has ended needs its configuration and variables no more, and bot token and credentials are among them. */
async function forgetCredentials(directory: string): Promise<void> {
  const intent = await readIntent(directory).catch(() => undefined);
  if (intent === undefined) return;
  const bare: RunIntent = { ...intent, spec: { ...intent.spec, config: {} }, environment: {} };
  // The end matters more, should there be no room.
  await writeWhole(joinPath(directory, "intent.json"), JSON.stringify(bare)).catch(() => undefined);
}

/** Ends what is left of a run's processes. `trustGroup` is true only for the supervisor that has just seen the program end. */
export async function endRunProcesses(
  intent: Pick<RunIntent, "mark" | "graceMs">,
  program: ProcessIdentity | undefined,
  clock: Clock,
  trustGroup: boolean,
): Promise<LeftoverOutcome> {
  const outcome = await endLeftovers({
    clock,
    mark: intent.mark,
    graceMs: intent.graceMs,
    groupIsOurs: trustGroup,
    ...(program === undefined ? {} : { program }),
  });
  // A supervisor that was killed could not clear away the file with the resolved configuration.
  await removePrivateFiles(runFilesPrefix(intent.mark), environment()["XDG_RUNTIME_DIR"]);
  return outcome;
}

/** The last lines of a file of ours. */
export async function readLogTail(directory: string, path: string = outputPath(directory)): Promise<readonly string[]> {
  const size = (await fileSize(path)) ?? 0;
  const bytes = await readBytes(path, Math.max(0, size - TAIL_BYTES), TAIL_BYTES);
  const text = new TextDecoder().decode(bytes.subarray(size > TAIL_BYTES ? nextCharacter(bytes, 0) : 0));
  return lastLines(text);
}

async function readRecord<T>(directory: string, name: string, shape: Shape<T>): Promise<T | undefined> {
  const text = await readTextIfExists(joinPath(directory, name));
  return text === undefined ? undefined : parseRecord(text, joinPath(baseName(directory), name), shape);
}

/** The record in a text of ours. @throws CodedError RunRecordDamaged, naming fields and never values */
export function parseRecord<T>(text: string, name: string, shape: Shape<T>): T {
  let value: unknown;
  try {
    value = parseExact(text);
  } catch {
    throw new CodedError(EXECUTOR_ERRORS.RunRecordDamaged, `Cannot read ${name}: it is not JSON`);
  }
  const { value: record, problems } = readShape(shape, value);
  if (problems === undefined) return record;
  const told = problems.slice(0, 5).map(({ path, message }) => `${path === "" ? "it" : path} ${message}`);
  throw new CodedError(EXECUTOR_ERRORS.RunRecordDamaged, `Cannot read ${name}: ${told.join(", ")}`);
}
