import type { FirstRun } from "./first-run.ts";
import type { Stage } from "./stage.ts";
import type { Workspace } from "./workspace.ts";

/** What to try while the demo stays up, as lines for a terminal. */
export function nextSteps(stage: Stage, workspace: Workspace, first: FirstRun): readonly string[] {
  const curl = (path: string, flags = ""): string => `curl -s${flags} -H "$AUTH" ${stage.url}/api/v1/${path}`;
  return [
    `The API is at ${stage.url}/api/v1; its admin token lies in ${workspace.gatewayData}/admin-token`,
    "Try in another terminal:",
    `  AUTH="Authorization: Bearer $(cat ${shellQuoted(stage.adminTokenFile)})"`,
    `  ${curl("runners")}`,
    `  ${curl(`pipelines/${first.pipelineId}/run`, " -X POST")}`,
    `  ${curl("runs")}`,
    `  ${curl(`runs/${first.evidence.run.runId}/events`, "N")}`,
    "See what the programs say and what went over the wire:",
    `  tail -f ${shellQuoted(workspace.gatewayLog)} ${shellQuoted(workspace.runnerLog)}`,
    `  less ${shellQuoted(workspace.frames)}`,
    "The secret and where it is used, both on the runner's side only:",
    `  cat ${shellQuoted(`${workspace.secrets}/demo/shop/connection`)}`,
    "Ctrl-C stops all.",
  ];
}

function shellQuoted(path: string): string {
  return /^[\w./:@-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
