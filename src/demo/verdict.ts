import type { DatabaseMetadata } from "./metadata.ts";
import { firstDifference } from "./metadata-difference.ts";
import type { ScanResult } from "./scan/scan.ts";
import type { RunView } from "./story/answers.ts";

/** One thing that must hold. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was found, for people. */
  readonly detail: string;
}

/** All that the checks look at, gathered after the run. */
export interface Evidence {
  readonly run: RunView;
  /** The log as the gateway's API gave it, from its beginning. */
  readonly log: { readonly text: string; readonly complete: boolean; readonly verified: boolean };
  /** The log as it lies on the runner's side; undefined when it isn't there. */
  readonly runnerLog: string | undefined;
  /** What the ingestion wrote; undefined when it wrote nothing. */
  readonly metadata: unknown;
  readonly expected: DatabaseMetadata;
  /** The resolved connection string, and a part of it that occurs in nothing else. */
  readonly secret: { readonly value: string; readonly token: string };
  /** The service's connection as the gateway's API tells it now. */
  readonly storedConnection: unknown;
  readonly reference: string;
  readonly scan: ScanResult;
}

/** What stands in a log where a resolved value stood; the same as the redactor's (tested). */
export const MASK = "[redacted]";
/** How the sample ingestion begins the line that holds its connection string. */
export const CONNECTING = "Connecting to ";

/** Judges one finished run. Every check is made, whatever the others came to. */
export function judge(evidence: Evidence): readonly Check[] {
  return [
    runSucceeded(evidence),
    logCameWhole(evidence),
    metadataIsRight(evidence),
    connectionWasMasked(evidence),
    referenceWasKept(evidence),
    secretIsNowhere(evidence),
  ];
}

function runSucceeded({ run }: Evidence): Check {
  const exit = run.exitCode === undefined ? "" : `, exit code ${run.exitCode}`;
  const why = run.failure === undefined ? "" : `: ${run.failure.category}: ${run.failure.summary}`;
  return { name: "run is success", ok: run.state === "success", detail: `${run.state}${exit}${why}` };
}

function logCameWhole({ log, runnerLog }: Evidence): Check {
  const name = "log came back whole";
  const bytes = new TextEncoder().encode(log.text).length;
  const missing = [
    ...(bytes === 0 ? ["it is empty"] : []),
    ...(log.complete ? [] : ["it is not complete"]),
    ...(log.verified ? [] : ["its hash was not verified"]),
    ...(runnerLog === undefined ? ["there is no log on the runner's side"] : []),
    ...(runnerLog !== undefined && runnerLog !== log.text ? ["it differs from the one on the runner's side"] : []),
  ];
  if (missing.length > 0) return { name, ok: false, detail: `${bytes} bytes: ${missing.join(", ")}` };
  return { name, ok: true, detail: `${bytes} bytes, hash verified, equal to the runner's own` };
}

function metadataIsRight({ metadata, expected }: Evidence): Check {
  const name = "metadata is right";
  if (metadata === undefined) return { name, ok: false, detail: "the ingestion wrote none" };
  const difference = firstDifference(metadata, expected);
  if (difference !== undefined) return { name, ok: false, detail: difference };
  const rows = expected.tables.reduce((sum, table) => sum + table.rowCount, 0);
  return { name, ok: true, detail: `${expected.tables.length} tables and views, ${rows} rows, all as made` };
}

function connectionWasMasked({ log, secret }: Evidence): Check {
  const name = "printed connection arrived masked";
  const lines = log.text.split("\n").filter((line) => line.includes(CONNECTING));
  const [line] = lines;
  if (line === undefined) return { name, ok: false, detail: "the line that prints it is not in the log" };
  const printed = lines.map((found) => found.slice(found.indexOf(CONNECTING) + CONNECTING.length));
  if (printed.some((text) => text.includes(secret.token) || text.includes(secret.value))) {
    return { name, ok: false, detail: "the line holds the secret's value" };
  }
  if (!printed.every((text) => text.includes(MASK))) return { name, ok: false, detail: `the line holds no ${MASK}` };
  return { name, ok: true, detail: `the log says "${CONNECTING}${printed[0] ?? ""}"` };
}

function referenceWasKept({ storedConnection, reference }: Evidence): Check {
  const ok = JSON.stringify(storedConnection ?? null).includes(JSON.stringify(reference));
  return {
    name: "gateway holds the reference only",
    ok,
    detail: ok ? `the service's connection is ${reference}` : "the service's connection is not the reference any more",
  };
}

function secretIsNowhere({ scan }: Evidence): Check {
  const name = "secret's value is nowhere";
  const looked = `${scan.bytes} bytes in ${scan.files} files, ${scan.needles} forms of the value`;
  const [hit] = scan.hits;
  if (hit !== undefined) {
    const more = scan.hits.length > 1 ? ` and ${scan.hits.length - 1} more` : "";
    return { name, ok: false, detail: `found (${hit.needle}) in ${hit.file} at byte ${hit.offset}${more}` };
  }
  const unseen = scan.places.filter((place) => place.bytes === 0).map((place) => place.name);
  if (scan.places.length === 0 || unseen.length > 0) {
    return { name, ok: false, detail: `nothing to look at in: ${unseen.join(", ") || "no place given"}` };
  }
  if (scan.needles === 0) return { name, ok: false, detail: "there was nothing to look for" };
  return { name, ok: true, detail: looked };
}
