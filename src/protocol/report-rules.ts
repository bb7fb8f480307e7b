import { RUN_STATES, type RunState } from "./run-state.ts";

/** What the state of a run says about the other fields of its report. */
interface ReportRule {
  readonly field: "proof" | "failure" | "waiting";
  /** States whose reports must have the field. */
  readonly always: readonly RunState[];
  /** States whose reports may have it; those of `always` are among them. */
  readonly only: readonly RunState[];
}

/** Success needs proof, a failure is told exactly when the run failed, and only what is queued waits. */
const REPORT_RULES: readonly ReportRule[] = [
  { field: "proof", always: ["success", "partialSuccess"], only: ["success", "failed", "partialSuccess", "stopped"] },
  { field: "failure", always: ["failed"], only: ["failed"] },
  { field: "waiting", always: [], only: ["queued"] },
];

/** A program that exits with anything else has failed, so these states never come with another exit code. */
const EXITED_WITH_ZERO: readonly RunState[] = ["success", "partialSuccess"];

/** What of a report contradicts its state. */
export function reportMistakes(report: {
  readonly state: RunState;
  readonly [field: string]: unknown;
}): readonly { readonly path: string; readonly message: string }[] {
  const { exitCode = 0 } = report;
  const exited = { path: "exitCode", message: `must be 0 with ${report.state}, or absent` };
  const belied = EXITED_WITH_ZERO.includes(report.state) && exitCode !== 0 ? [exited] : [];
  const misplaced = REPORT_RULES.flatMap(({ field, always, only }) => {
    const has = report[field] !== undefined;
    if (!has && always.includes(report.state)) return [{ path: field, message: `is missing with ${report.state}` }];
    if (has && !only.includes(report.state)) return [{ path: field, message: `does not belong to ${report.state}` }];
    return [];
  });
  return [...misplaced, ...belied];
}

/** The same as part of the JSON Schema of a report. */
export const REPORT_RULES_AS_SCHEMA: readonly object[] = [
  ...REPORT_RULES.flatMap(({ field, always, only }) => [
    ...(always.length === 0 ? [] : [{ anyOf: [stateOtherThan(always), { required: [field] }] }]),
    { anyOf: [{ properties: { state: { enum: only } } }, { properties: { [field]: false } }] },
  ]),
  { anyOf: [stateOtherThan(EXITED_WITH_ZERO), { properties: { exitCode: { const: 0 } } }] },
];

function stateOtherThan(states: readonly RunState[]): object {
  return { properties: { state: { enum: RUN_STATES.filter((state) => !states.includes(state)) } } };
}
