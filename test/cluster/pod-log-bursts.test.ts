import { createHash } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import type { PodLogs } from "../../src/executor/pods/logs/pod-logs.ts";
import { PODS, type Pod } from "../../src/kubernetes/objects.ts";
import { openLogs } from "../executor/pods/logs/logs-world.ts";
import { eventually } from "../fakes/eventually.ts";
import { clusterApi } from "./cluster-world.ts";
import { temporaryNamespace } from "./namespace.ts";

/*
 * Programs that print faster than a node's logs can be read, so that the node rotates the file while it is read: nothing may be
 * lost that an open stream or the node still has. HYBRID_RUNNER_TEST_BURSTS says how many, one after another.
 */

const IMAGE = process.env["HYBRID_RUNNER_TEST_SHELL_IMAGE"] ?? "test.local/busybox:1";
const BURSTS = Number(process.env["HYBRID_RUNNER_TEST_BURSTS"] ?? "4");
const LINES = 500_000;
const FILLER = "x".repeat(91);
const PRINT = `awk 'BEGIN{s=sprintf("%91s","");gsub(/ /,"x",s);for(i=1;i<=${LINES};i++)printf "%08d %s\\n",i,s}'`;
const LINE_BYTES = 101;

function lineOf(number: number): string {
  return `${String(number).padStart(8, "0")} ${FILLER}`;
}

/** What one of them prints. */
function statement(): { readonly bytes: number; readonly sha256: string } {
  const hash = createHash("sha256");
  for (let number = 1; number <= LINES; number++) hash.update(`${lineOf(number)}\n`);
  return { bytes: LINES * LINE_BYTES, sha256: hash.digest("hex") };
}

interface Found {
  readonly lines: number;
  /** Stretches of lines that are missing, and whether the log says so just there. */
  readonly holes: readonly { readonly from: number; readonly lines: number; readonly isTold: boolean }[];
  readonly disorder: number;
  readonly notes: readonly string[];
}

async function judge(logs: PodLogs, runId: string): Promise<Found> {
  const holes: { from: number; lines: number; isTold: boolean }[] = [];
  const notes: string[] = [];
  let begun = "";
  let [next, lines, disorder, rest, isTold] = [1, 0, 0, "", false];
  for (let offset = 0; ; ) {
    const piece = await logs.read(runId, offset, 1_048_576);
    if (piece.text === "") break;
    offset = piece.nextOffset;
    const all = (rest + piece.text).split("\n");
    rest = all.pop() ?? "";
    for (const [index, part] of all.entries()) {
      // A line of ours may stand inside one of the program's: the node goes on with another file anywhere.
      const isOwn = part.startsWith("[hybrid-runner: ");
      if (!isOwn && part.length < LINE_BYTES - 1 && (all[index + 1] ?? rest).startsWith("[hybrid-runner: ")) {
        begun = part;
        continue;
      }
      let line = isOwn ? part : begun + part;
      if (line !== part) begun = "";
      if (isOwn) {
        notes.push(`before line ${next}: ${line}`);
        isTold = true;
        continue;
      }
      // At the edges of what is missing stand parts of lines.
      if (isTold && line !== lineOf(next)) {
        if (part !== lineOf(Number(part.slice(0, 8)))) continue;
        line = part;
      }
      const number = Number(line.slice(0, 8));
      if (line !== lineOf(number) || number < next) disorder++;
      if (number > next) holes.push({ from: next, lines: number - next, isTold });
      next = number + 1;
      lines++;
      isTold = false;
    }
  }
  if (next <= LINES) holes.push({ from: next, lines: LINES + 1 - next, isTold });
  return { lines, holes, disorder, notes };
}

test(
  `${BURSTS} programs that print 50 MB in a few seconds: no byte is lost that the node still has, and what it has thrown away is told where it is missing`,
  async () => {
    const api = await clusterApi();
    onTestFinished(() => api.close());
    const namespace = await temporaryNamespace("bursts");
    const logs = await openLogs(api, { namespace });
    const stated = statement();
    let [whole, rotated] = [0, 0];
    for (let burst = 0; burst < BURSTS; burst++) {
      const runId = `burst-${burst}`;
      // Begins at another moment of the node's ten seconds each time.
      const script = `sleep 0.${(burst * 37) % 100}; ${PRINT}`;
      const main = { name: "main", image: IMAGE, command: ["/bin/sh", "-c", script], imagePullPolicy: "IfNotPresent" };
      await api.create(PODS, namespace, {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: runId },
        spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 1, containers: [main] },
      } as Pod);
      logs.follow({ runId, attempt: 1, podName: runId, container: "main" });
      const started = await eventually(async () => {
        const pod = await api.get(PODS, namespace, runId);
        expect(["Running", "Succeeded"]).toContain(pod.status?.phase);
        return performance.now();
      }, 60_000);
      logs.follow({ runId, attempt: 1, podName: runId, container: "main", startedAt: Date.now() });
      await eventually(async () => {
        const { status } = await api.get(PODS, namespace, runId);
        expect(status?.phase).toBe("Succeeded");
      }, 60_000);
      const printed = (performance.now() - started) / 1000;
      await logs.end(runId, stated);
      const end = await logs.ended(runId);
      const took = (performance.now() - started) / 1000;
      const found = await judge(logs, runId);
      const left = { container: "main", follow: false, timestamps: false, limitBytes: 2 * LINE_BYTES };
      let first = "";
      for await (const chunk of api.podLog(namespace, runId, left, new AbortController().signal))
        first += new TextDecoder().decode(chunk);
      // A file may begin inside a line.
      const firstNumber = /(?:^|\n)(\d{8}) x/.exec(first)?.[1];
      const nodeBegins = firstNumber === undefined ? LINES + 1 : Number(firstNumber);
      process.stdout.write(
        `${runId}: ${printed.toFixed(1)} s, read after ${took.toFixed(1)} s, node has lines from ${nodeBegins}, ${JSON.stringify({ ...found, end: end !== undefined })}\n`,
      );
      if (nodeBegins > 1) rotated++;
      expect(found.disorder).toBe(0);
      expect(found.holes.filter(({ isTold }) => !isTold)).toEqual([]);
      // What the node still has is here.
      for (const { from, lines } of found.holes) expect(from + lines).toBeLessThanOrEqual(nodeBegins);
      if (found.holes.length > 0) expect(end).toBeUndefined();
      else {
        whole++;
        expect(end?.bytes).toBeGreaterThanOrEqual(stated.bytes);
        if (found.notes.length === 0) expect(end).toEqual(stated);
      }
      await api.remove(PODS, namespace, runId, { propagation: "Background", gracePeriodSeconds: 0 });
      await logs.release(runId);
    }
    process.stdout.write(`${whole} of ${BURSTS} whole, ${rotated} of ${BURSTS} rotated by the node\n`);
  },
  BURSTS * 120_000 + 60_000,
);
