import type { ServerResponse } from "node:http";
import type { Container, ContainerStatus } from "../../../src/kubernetes/objects.ts";
import type { StreamLimits } from "./api-server.ts";
import type { ContainerLog, LogEntry } from "./container-log.ts";
import type { Fields, Stored } from "./kinds.ts";
import { badRequest, StatusError } from "./status.ts";

/** Where the log of a container is. */
export interface PodLogSource {
  /** False while nobody answers for the node. */
  readonly reachable: boolean;
  logOf(podUid: string, container: string): ContainerLog | undefined;
}

const NEWLINE = 10;

/**
 * Sends a container's log as the kubelet reads it (k8s.io/cri-client/pkg/logs, `ReadLogs`): the file that is open is read to its
 * end, and a newer one only by a stream that had come to its end before the rotation, and not after the container's end. @throws StatusError 400, 500 */
export function sendPodLog(
  response: ServerResponse,
  pod: Stored,
  query: URLSearchParams,
  source: PodLogSource,
  limits: StreamLimits,
): void {
  const container = containerOf(pod, query.get("container"));
  if (pod.spec?.["nodeName"] === undefined) return void response.writeHead(204).end();
  if (!source.reachable) {
    const url = `https://${pod.status?.["hostIP"]}:10250/containerLogs/${pod.metadata.namespace}/${pod.metadata.name}/${container}`;
    throw new StatusError(500, "InternalError", `Get "${url}": dial tcp: connect: connection refused`);
  }
  const log = source.logOf(pod.metadata.uid ?? "", container);
  if (log === undefined) throw badRequest(waitingMessage(pod, container));
  const sink = createSink(response, query, limits);
  response.writeHead(200, { "content-type": "text/plain" });
  response.flushHeaders();
  const follow = query.get("follow") === "true";
  let { file } = log;
  let next = startOf(file, query);
  /** The newest file since this stream came to its end for the first time. */
  let watched: ContainerLog["file"] | undefined;
  const flow = (): void => {
    for (;;) {
      for (let entry = file[next]; entry !== undefined; entry = file[next]) {
        // A reader that is slow is waited for, and the file is kept open for it.
        if (response.writableNeedDrain) return;
        next++;
        if (!sink.write(entry)) return;
      }
      if (!follow || log.ended) {
        finish();
        return;
      }
      watched ??= log.file;
      if (watched === log.file) return;
      file = log.file;
      watched = file;
      next = 0;
    }
  };
  const stop = follow ? log.onChange(flow) : () => undefined;
  function finish(): void {
    stop();
    response.end();
  }
  response.on("close", stop);
  response.on("drain", flow);
  flow();
}

function containerOf(pod: Stored, asked: string | null): string {
  const list = (key: string): readonly Container[] => (pod.spec?.[key] ?? []) as readonly Container[];
  const names = [...list("initContainers"), ...list("containers")].map(({ name }) => name);
  if (asked !== null && names.includes(asked)) return asked;
  if (asked !== null) throw badRequest(`container ${asked} is not valid for pod ${pod.metadata.name}`);
  const [only, ...others] = list("containers").map(({ name }) => name);
  if (only !== undefined && others.length === 0) return only;
  throw badRequest(
    `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${names.join(" ")}]`,
  );
}

function waitingMessage(pod: Stored, container: string): string {
  const statuses = [...asStatuses(pod.status, "initContainerStatuses"), ...asStatuses(pod.status, "containerStatuses")];
  const reason = statuses.find(({ name }) => name === container)?.state?.waiting?.reason ?? "ContainerCreating";
  const state =
    reason === "ErrImagePull"
      ? "image can't be pulled"
      : reason === "ImagePullBackOff"
        ? "trying and failing to pull image"
        : reason;
  return `container "${container}" in pod "${pod.metadata.name}" is waiting to start: ${state}`;
}

function asStatuses(status: Fields | undefined, key: string): readonly ContainerStatus[] {
  return (status?.[key] ?? []) as readonly ContainerStatus[];
}

/** Number of the first entry to send. */
function startOf(file: ContainerLog["file"], query: URLSearchParams): number {
  const tail = query.get("tailLines");
  return tail === null ? 0 : Math.max(0, file.length - Number(tail));
}

function createSink(
  response: ServerResponse,
  query: URLSearchParams,
  limits: StreamLimits,
): { write(entry: LogEntry): boolean } {
  const timestamps = query.get("timestamps") === "true";
  const sinceTime = query.get("sinceTime");
  // The API server hands whole seconds on to the node.
  const since = sinceTime === null ? Number.NEGATIVE_INFINITY : Math.floor(Date.parse(sinceTime) / 1000) * 1000;
  let left = Number(query.get("limitBytes") ?? Number.POSITIVE_INFINITY);
  let uncut = limits.cutAfterBytes;
  let startsLine = true;
  return {
    write({ bytes, time, timeText }) {
      if (time < since) return true;
      const prefix = timestamps && startsLine ? `${timeText} ` : "";
      startsLine = bytes.at(-1) === NEWLINE;
      const line = Buffer.concat([Buffer.from(prefix), bytes]).subarray(0, Math.min(left, uncut));
      response.write(line);
      left -= line.length;
      uncut -= line.length;
      if (left <= 0) response.end();
      if (uncut <= 0) setImmediate(() => response.socket?.resetAndDestroy());
      return left > 0 && uncut > 0;
    },
  };
}
