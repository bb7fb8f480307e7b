import http from "node:http";
import https from "node:https";
import { inParallel } from "../processes.ts";

/** Where the loop posts to, and what with. */
export interface RawTarget {
  /** `https://host:port`, or `http://`. */
  readonly server: string;
  /** Keeps its connections. */
  readonly agent: http.Agent;
  readonly headers: http.OutgoingHttpHeaders;
  readonly namespace: string;
}

/** The two objects of a run as the runner sent them, and the run's id in them. */
export interface RunBodies {
  readonly job: string;
  readonly secret: string;
}

const RUN_NAME = /"name":"hr-([0-9a-f-]{36})"/;
const OWNER_UID = /"uid":"([0-9a-f-]{36})"/;

/** Posts the same Job and then the same Secret again, for a run of another id: what no runner can be faster than. */
export async function rawPair(target: RawTarget, bodies: RunBodies): Promise<void> {
  const runId = crypto.randomUUID();
  const { namespace } = target;
  const job = ofRun(runId, inNamespace(bodies.job, namespace));
  const answer = await post(target, `/apis/batch/v1/namespaces/${namespace}/jobs`, job);
  const uid = OWNER_UID.exec(answer)?.[1] ?? "";
  const secret = ofRun(runId, inNamespace(bodies.secret, namespace)).replace(OWNER_UID, `"uid":"${uid}"`);
  await post(target, `/api/v1/namespaces/${namespace}/secrets`, secret);
}

/** So many pairs, `width` at a time. */
export function rawLoop(target: RawTarget, bodies: RunBodies, count: number, width: number): Promise<void> {
  return inParallel(count, width, () => rawPair(target, bodies));
}

/** The first Job that was seen and the first Secret may be two runs'. */
function ofRun(runId: string, body: string): string {
  return body.replaceAll(RUN_NAME.exec(body)?.[1] ?? "", runId);
}

function inNamespace(body: string, namespace: string): string {
  return body.replace(/"namespace":"[^"]+"/, `"namespace":"${namespace}"`);
}

function post({ server, agent, headers }: RawTarget, path: string, body: string): Promise<string> {
  const { request } = server.startsWith("https:") ? https : http;
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, server), {
      agent,
      method: "POST",
      headers: { ...headers, "content-type": "application/json", "content-length": Buffer.byteLength(body) },
    });
    sent.once("error", reject);
    sent.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.once("error", reject);
      response.once("end", () => {
        if (response.statusCode === 201) resolve(text);
        else reject(new Error(`Cannot measure: POST ${path}: ${response.statusCode} ${text}`));
      });
    });
    sent.end(body);
  });
}
