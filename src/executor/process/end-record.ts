import { CodedError } from "../../base/errors.ts";
import type { Shape } from "../../base/shape.ts";
import { CATALOGUE } from "../../protocol/catalogue.ts";
import type { RunReport } from "../../protocol/messages.ts";
import { plainWords } from "../../protocol/plain-words.ts";
import { isTerminal } from "../../protocol/run-state.ts";
import { joinPath, readTextIfExists } from "../../runtime/files.ts";
import { EXECUTOR_ERRORS } from "../errors.ts";
import { END_FILE, parseRecord } from "./run-directory.ts";

/** The report's shape is the protocol's; only the runner reads it, so a supervisor doesn't load that. */
const reportShape: Shape<RunReport> = {
  check(value, _path, problems) {
    const parsed = CATALOGUE["run.update"].body.safeParse(value, { error: plainWords });
    for (const { path, message } of parsed.error?.issues ?? []) problems.push({ path: path.join("."), message });
  },
};

/** The terminal report of a run, or undefined before its end. @throws CodedError RunRecordDamaged */
export async function readEnd(directory: string): Promise<RunReport | undefined> {
  const name = joinPath(directory, END_FILE);
  const text = await readTextIfExists(name);
  if (text === undefined) return undefined;
  const report = parseRecord(text, name, reportShape);
  if (isTerminal(report.state)) return report;
  throw new CodedError(EXECUTOR_ERRORS.RunRecordDamaged, `Cannot read ${name}: its state "${report.state}" is no end`);
}
