import { systemClock } from "../base/clock.ts";
import { CodedError, errorCode } from "../base/errors.ts";
import { visibleText } from "../base/visible-text.ts";
import { configInvalid, evaluateSettings } from "../config/load.ts";
import { defaultDataDirectory, readSources } from "../config/read.ts";
import { EXECUTOR_ERRORS } from "../executor/errors.ts";
import { listPodLogsOnSite, type PodLogOnSite, readPodLogOnSite } from "../executor/pods/logs/spool/logs-on-site.ts";
import { findRunOnSite, listRunsOnSite, type RunOnSite, readLogOnSite } from "../executor/process/runs-on-site.ts";
import { type FlagTable, parseArguments } from "../runtime/arguments.ts";
import { RUNTIME_ERRORS } from "../runtime/errors.ts";
import { absolutePath, joinPath } from "../runtime/files.ts";
import { pathKind } from "../runtime/regular-file.ts";
import { openStandardOutput, type StandardOutput } from "../runtime/standard-output.ts";
import { onSignals } from "../runtime/system.ts";
import { CONFIG_FLAG } from "./setting-flags.ts";

export const flags: FlagTable = {
  follow: { type: "boolean", meaning: "go on until the run has ended" },
  raw: {
    type: "boolean",
    meaning: "the log as it is, with the colours and control characters that the program has printed",
  },
  json: { type: "boolean", meaning: "a line of JSON for each run, or for each piece of log with its offset in bytes" },
  "data-directory": { type: "string", value: "DIR", meaning: "the runner's (or DATA_DIRECTORY)" },
  ...CONFIG_FLAG,
};

/**
 * `hybrid-runner logs [RUN] [--follow] [--json] [--raw] [--data-directory DIR]`: the whole masked log of a run as it lies on this machine,
 * also beside a live runner and after the run's end until retention removes it. Without RUN the runs that are there. RUN may be
 * the beginning of an id. Control characters of the program are shown and not
 * sent to the terminal, but with `--raw`. With `--json` a line of JSON for each run, or for each piece of log with its offset in bytes.
 */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, flags, { operands: true });
  const [name, ...others] = positionals;
  if (others.length > 0) {
    throw new CodedError(RUNTIME_ERRORS.UsageError, `Cannot show logs: ${positionals.length} runs were named`, {
      advice: "Name one run, or none for a list of those that are there",
    });
  }
  if (name === "") {
    throw new CodedError(RUNTIME_ERRORS.UsageError, "Cannot show logs: the run's id is empty", {
      advice: "Name one run, or none for a list of those that are there",
    });
  }
  const dataDirectory = await dataDirectoryOf(values);
  const output = openStandardOutput();
  try {
    if (name === undefined) await listRuns(dataDirectory, values["json"] === true, output);
    else {
      const options = {
        follow: values["follow"] === true,
        json: values["json"] === true,
        raw: values["raw"] === true,
      };
      await showLog(dataDirectory, name, options, output);
    }
    return 0;
  } catch (error) {
    // Whoever read our output has seen enough.
    if (errorCode(error) === "EPIPE") return 0;
    throw withoutRight(error, dataDirectory);
  } finally {
    output.close();
  }
}

/** Another user than the runner's meets closed directories, which isn't a fault of the program. */
function withoutRight(error: unknown, dataDirectory: string): unknown {
  const code = errorCode(error);
  if (code !== "EACCES" && code !== "EPERM") return error;
  return new CodedError(EXECUTOR_ERRORS.RunLogsClosed, `Cannot show logs: ${dataDirectory} is closed to this user`, {
    cause: error,
  });
}

/** The runner's own, from the same sources; other settings may be missing or wrong. */
async function dataDirectoryOf(values: Readonly<Record<string, unknown>>): Promise<string> {
  const given = ["data-directory", "config"].flatMap((flag) => {
    const value = values[flag];
    return typeof value === "string" ? [`--${flag}=${value}`] : [];
  });
  const { sources } = await readSources(given);
  const { values: settings, origins, problems } = evaluateSettings(sources);
  // What was said wrongly isn't answered from another place.
  const wrong = problems.filter((problem) => /^(?:DATA_DIRECTORY|--data-directory|dataDirectory) /.test(problem));
  if (wrong.length > 0) throw configInvalid(wrong);
  const dataDirectory = absolutePath(settings.dataDirectory ?? defaultDataDirectory(sources.environment));
  const kind = await pathKind(dataDirectory).catch((error: unknown) => {
    throw withoutRight(error, dataDirectory);
  });
  if (kind === "directory") return dataDirectory;
  throw new CodedError(
    RUNTIME_ERRORS.UsageError,
    `Cannot show logs: there is no directory ${dataDirectory} (${origins.dataDirectory})`,
    { advice: "Name the runner's data directory with --data-directory, and look as a user who may read it" },
  );
}

async function listRuns(dataDirectory: string, json: boolean, output: StandardOutput): Promise<void> {
  const runs = [...(await listRunsOnSite(dataDirectory)), ...(await listPodLogsOnSite(dataDirectory))];
  if (json) for (const found of runs) await output.write(`${JSON.stringify(found)}\n`);
  else if (runs.length === 0 && !(await isRunnerData(dataDirectory))) {
    throw new CodedError(
      EXECUTOR_ERRORS.RunNotOnSite,
      `Cannot find runs in ${dataDirectory}: nothing there looks like the data directory of a runner`,
      { advice: "Name the runner's data directory with --data-directory, or DATA_DIRECTORY" },
    );
  } else if (runs.length === 0) await output.write(`There are no runs in ${dataDirectory}\n`);
  else for (const found of runs) await output.write(`${asRow(found)}\n`);
}

/** Every runner has put its lock there; runs may lie without it, as a copy. */
async function isRunnerData(directory: string): Promise<boolean> {
  const kinds = ["lock.sqlite", "runs"].map((name) => pathKind(joinPath(directory, name)));
  return (await Promise.all(kinds)).some((kind) => kind !== "missing");
}

function asRow(found: RunOnSite | PodLogOnSite): string {
  const { runId, state, createdAt, logBytes, delivered } = found;
  const pipelineName = "pipelineName" in found ? found.pipelineName : undefined;
  const time = createdAt === undefined ? "" : new Date(createdAt).toISOString();
  const columns = [
    runId,
    state.padEnd(10),
    time.padEnd(24),
    `${logBytes} bytes`.padStart(18),
    delivered ? "delivered" : "         ",
  ];
  return `${columns.join("  ")}  ${pipelineName ?? ""}`.trimEnd();
}

async function showLog(
  dataDirectory: string,
  name: string,
  options: { readonly follow: boolean; readonly json: boolean; readonly raw: boolean },
  output: StandardOutput,
): Promise<void> {
  const inPods = (await listPodLogsOnSite(dataDirectory)).filter(({ runId }) => runId.startsWith(name.toLowerCase()));
  const inPod = inPods.length === 1 ? inPods[0]?.runId : undefined;
  const runId = inPod ?? (await findRunOnSite(dataDirectory, name));
  const read = inPod === undefined ? readLogOnSite : readPodLogOnSite;
  const stop = new AbortController();
  const takeBack = onSignals(["SIGINT", "SIGTERM", "SIGHUP"], () => stop.abort());
  try {
    const { follow, json, raw } = options;
    for await (const piece of read(dataDirectory, runId, { follow, clock: systemClock, signal: stop.signal })) {
      const { offset, text } = piece;
      await output.write(json ? `${JSON.stringify({ runId, offset, text })}\n` : raw ? text : visibleText(text));
    }
  } finally {
    takeBack();
  }
}
