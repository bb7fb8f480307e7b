import { CLOSE_CODES, type CloseCode } from "../../src/protocol/close-codes.ts";
import { FAILURE_CATEGORIES } from "../../src/protocol/failure-category.ts";
import { type DeclaredError, declaredErrors } from "./error-kinds.ts";
import { replacePart } from "./replace-part.ts";

/** Where the errors of a folder or file meet people; the longest one that fits counts. */
export const PLACES: Readonly<Record<string, string>> = {
  "src/base/": "log of runner or gateway, when it stops",
  "src/config/": "start of a command",
  "src/connection/": "runner's log",
  "src/demo/": "demo",
  "src/executor/": "start of the runner, its log",
  "src/gateway/": "API, gateway's log",
  "src/gateway/api/": "API",
  "src/gateway/auth/": "API, refused runners, start of the gateway",
  "src/gateway/server-errors.ts": "start of the gateway",
  "src/kubernetes/": "start of the runner, its log, a run's failure",
  "src/pipelines/": "runner's log",
  "src/protocol/": "log of runner or gateway",
  "src/runner/": "start of the runner, its log",
  "src/runtime/errors.ts": "command line",
  "src/runtime/child-errors.ts": "a run's failure, `exec`",
  "src/runtime/socket-errors.ts": "runner's log, a refused dial in the gateway's log",
  "src/schedules/": "runner's log, refused pipelines",
  "src/secrets/": "a run's failure, `exec`",
  "src/wrapper/": "a run's failure, `exec`",
};

const RETRIES: Readonly<Record<string, string>> = {
  now: "soon, with growing pauses",
  slow: "rarely, and says so loudly",
  never: "not any more",
};

/** docs/troubleshooting.md with its tables brought up to date; the sections written by hand stay. */
export async function troubleshooting(present: string): Promise<string> {
  const file = "docs/troubleshooting.md";
  const withErrors = replacePart(present, "errors", errorTable(await declaredErrors()), file);
  const withCloseNames = replacePart(withErrors, "close-names", closeTable(), file);
  return replacePart(withCloseNames, "failures", failureTable(), file);
}

/** Where the errors that this file declares meet people; undefined when nobody has said. */
export function placeOf(file: string): string | undefined {
  const fits = Object.keys(PLACES).filter((place) => file.startsWith(place));
  const closest = fits.sort((a, b) => b.length - a.length)[0];
  return closest === undefined ? undefined : PLACES[closest];
}

function errorTable(kinds: readonly DeclaredError[]): string {
  const rows = kinds.map(({ code, retryable, advice, file }) => {
    const again = retryable ? "yes" : "no";
    return `| ${anchored(code)} | ${placeOf(file) ?? file} | ${again} | ${cell(advice)} |`;
  });
  return ["| code | where you meet it | may go away by itself | next step |", "|---|---|---|---|", ...rows].join("\n");
}

function closeTable(): string {
  const rows = Object.values(CLOSE_CODES).map((row: CloseCode) => {
    const status = row.httpStatus === undefined ? "" : `HTTP ${row.httpStatus}`;
    return `| ${anchored(row.name)} | ${row.code} | ${status} | ${cell(row.meaning)} | ${RETRIES[row.retry]} |`;
  });
  const head = "| reason | close code | at the dial | meaning | the runner dials again |";
  return [head, "|---|---|---|---|---|", ...rows].join("\n");
}

function failureTable(): string {
  const rows = Object.entries(FAILURE_CATEGORIES).map(
    ([name, advice]) => `| ${anchored(name, "run-")} | ${cell(advice)} |`,
  );
  return ["| category | next step |", "|---|---|", ...rows].join("\n");
}

/** Something that a link can lead to. */
function anchored(name: string, prefix = ""): string {
  return `<a id="${prefix}${name}"></a>\`${name}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
