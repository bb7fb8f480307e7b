import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { PodLogs } from "../../src/executor/pods/logs/pod-logs.ts";
import type { KubernetesApi } from "../../src/kubernetes/api.ts";
import { openKubernetesApi } from "../../src/kubernetes/client.ts";
import { loadKubeConfig } from "../../src/kubernetes/kube-config.ts";
import { PODS, type Pod } from "../../src/kubernetes/objects.ts";
import type { LogEnd } from "../../src/protocol/messages.ts";
import { endOf, openLogs, readAll } from "../executor/pods/logs/logs-world.ts";
import { eventually } from "../fakes/eventually.ts";
import { TcpProxy } from "../fakes/tcp-proxy.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { temporaryNamespace } from "./namespace.ts";

const IMAGE = process.env["HYBRID_RUNNER_TEST_SHELL_IMAGE"] ?? "test.local/busybox:1";
const LINE_BYTES = 128;

async function open(throughPort?: number): Promise<KubernetesApi> {
  const found = await loadKubeConfig({
    env: process.env as Record<string, string>,
    home: homedir(),
    clock: systemClock,
  });
  const config = throughPort === undefined ? found : { ...found, server: `https://127.0.0.1:${throughPort}` };
  const api = openKubernetesApi({ config, clock: systemClock, log: silentLog, userAgent: "hybrid-runner-test" });
  onTestFinished(() => api.close());
  return api;
}

async function proxied(): Promise<{ readonly api: KubernetesApi; readonly proxy: TcpProxy }> {
  const found = await loadKubeConfig({
    env: process.env as Record<string, string>,
    home: homedir(),
    clock: systemClock,
  });
  const proxy = await TcpProxy.start(Number(new URL(found.server).port));
  return { api: await open(proxy.port), proxy };
}

/** Starts a pod that runs a shell script in container main. */
async function startPod(api: KubernetesApi, namespace: string, name: string, script: string): Promise<void> {
  const main = { name: "main", image: IMAGE, command: ["/bin/sh", "-c", script], imagePullPolicy: "IfNotPresent" };
  await api.create(PODS, namespace, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 1, containers: [main] },
  } as Pod);
}

/** Waits for a pod's end; asks seldom, since the processor's time is measured beside it. */
async function ended(api: KubernetesApi, namespace: string, name: string, limitMs = 240_000): Promise<void> {
  await eventually(async () => {
    const pod = await api.get(PODS, namespace, name);
    if (pod.status?.phase !== "Succeeded") await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(pod.status?.phase).toBe("Succeeded");
  }, limitMs);
}

/** Prints `mib` MiB of numbered lines of 128 bytes, one MiB at a time with a pause in between. */
function numbered(mib: number, pause: string): string {
  const perMib = 1_048_576 / LINE_BYTES;
  const filler = "x".repeat(LINE_BYTES - 10);
  return `awk 'BEGIN{for(i=0;i<${mib * perMib};i++){printf "%08d ${filler}\\n",i; if(i%${perMib}==${perMib - 1}){fflush(); system("${pause}")}}}'`;
}

/** What `numbered` comes to. */
function statementOf(mib: number): LogEnd {
  const hash = createHash("sha256");
  const filler = "x".repeat(LINE_BYTES - 10);
  const lines = (mib * 1_048_576) / LINE_BYTES;
  for (let line = 0; line < lines; line++) hash.update(`${String(line).padStart(8, "0")} ${filler}\n`);
  return { bytes: mib * 1_048_576, sha256: hash.digest("hex") };
}

interface Numbers {
  readonly lines: number;
  readonly missing: number;
  /** Where lines are missing: the number before and the number after. */
  readonly jumps: readonly string[];
  readonly markers: readonly string[];
  readonly disorder: readonly string[];
}

/** Reads a log of numbered lines and tells what isn't as it should be. */
async function judge(logs: PodLogs, runId: string): Promise<Numbers> {
  let [lines, next, missing] = [0, 0, 0];
  const markers: string[] = [];
  const disorder: string[] = [];
  const jumps: string[] = [];
  let rest = "";
  for (let offset = 0; ; ) {
    const piece = await logs.read(runId, offset, 1_048_576);
    if (piece.text === "") break;
    offset = piece.nextOffset;
    const all = (rest + piece.text).split("\n");
    rest = all.pop() ?? "";
    for (const line of all) {
      if (line.startsWith("[hybrid-runner: ")) {
        markers.push(line);
        continue;
      }
      const number = Number(line.slice(0, 8));
      if (line.length !== LINE_BYTES - 1 || Number.isNaN(number) || number < next) disorder.push(line.slice(0, 60));
      if (number > next) {
        missing += number - next;
        jumps.push(`${next - 1} to ${number}`);
      }
      next = number + 1;
      lines++;
    }
  }
  return { lines, missing, jumps, markers, disorder };
}

test("200 MiB across real rotations arrive in order and once, and what is missing is marked and counted", async () => {
  const api = await open();
  const ns = await temporaryNamespace("logs");
  const logs = await openLogs(api, { namespace: ns });
  const mib = 200;
  await startPod(api, ns, "big", numbered(mib, "sleep 0.15"));
  const before = process.cpuUsage();
  logs.follow({ runId: "big", attempt: 1, podName: "big", container: "main", startedAt: Date.now() });
  await ended(api, ns, "big");
  const { user, system } = process.cpuUsage(before);
  const stated = statementOf(mib);
  const end = await eventually(async () => {
    const known = await logs.end("big", stated);
    expect(known).toBeDefined();
    return known;
  }, 60_000);
  const found = await judge(logs, "big");
  process.stdout.write(
    `rotation: ${(user + system) / 1000 / mib} ms of CPU per MiB, ${JSON.stringify({ ...found, bytes: end?.bytes })}\n`,
  );
  expect(found.disorder).toEqual([]);
  if (found.missing === 0) expect(end).toEqual(stated);
  else
    expect(found.markers.at(-1)).toContain(
      `${stated.bytes - found.lines * LINE_BYTES} bytes of this attempt's log are missing`,
    );
}, 400_000);

test("20 pods with 1 MiB/s each and connections that are cut all the time lose nothing", async () => {
  const { api, proxy } = await proxied();
  const direct = await open();
  const ns = await temporaryNamespace("logs");
  const logs = await openLogs(api, { namespace: ns });
  const pods = Array.from({ length: 20 }, (_, index) => `p${index}`);
  // With the times before the lines it stays below the node's usual 10 MiB, so that resets are all that happens.
  const mib = 7;
  const stated = statementOf(mib);
  await Promise.all(pods.map((name) => startPod(direct, ns, name, `sleep 5; ${numbered(mib, "sleep 1")}`)));
  const before = process.cpuUsage();
  const began = performance.now();
  for (const name of pods) logs.follow({ runId: name, attempt: 1, podName: name, container: "main" });
  let cuts = 0;
  const cutting = setInterval(() => {
    cuts++;
    proxy.cut();
  }, 4_000);
  onTestFinished(() => clearInterval(cutting));
  for (const name of pods) await ended(direct, ns, name);
  clearInterval(cutting);
  const used = process.cpuUsage(before);
  const seconds = (performance.now() - began) / 1000;
  const cpu = (used.user + used.system) / 1e6;
  process.stdout.write(
    `20 pods, ${cuts} cuts: ${(cpu * 1000) / (mib * 20)} ms of CPU per MiB, ${(cpu / seconds) * 100} % of a core\n`,
  );
  for (const name of pods) {
    // Where it isn't whole, what is there says more than that.
    const end = await eventually(async () => {
      const known = await logs.end(name, stated);
      expect(known).toBeDefined();
      return known;
    }, 60_000).catch(() => undefined);
    expect({ end, ...(await judge(logs, name)) }).toEqual({
      end: stated,
      lines: stated.bytes / LINE_BYTES,
      missing: 0,
      jumps: [],
      markers: [],
      disorder: [],
    });
  }
}, 400_000);

test("lines of 1 MiB, carriage returns, characters cut by containerd, bytes that are no UTF-8 and a last line without an end", async () => {
  const { api, proxy } = await proxied();
  const direct = await open();
  const ns = await temporaryNamespace("logs");
  const script = [
    "printf 'first\\n'",
    "awk 'BEGIN{for(i=0;i<349526;i++) printf \"✓\"}'; sleep 2; printf ' after\\n'",
    "printf '10%%\\r50%%\\r'; sleep 1; printf '100%%\\n'",
    "printf 'a\\377b\\303\\n'; sleep 1",
    "printf 'the end'",
  ].join("; ");
  const text = `first\n${"✓".repeat(349_526)} after\n10%\r50%\r100%\na\ufffdb\ufffd\nthe end`;
  const logs = await openLogs(api, { namespace: ns });
  logs.follow({ runId: "odd", attempt: 1, podName: "odd", container: "main" });
  await startPod(direct, ns, "odd", script);
  const cutting = setInterval(() => proxy.cut(), 700);
  onTestFinished(() => clearInterval(cutting));
  await ended(direct, ns, "odd");
  clearInterval(cutting);
  await eventually(async () => expect(await logs.end("odd")).toEqual(endOf(text)), 30_000);
  expect((await readAll(logs, "odd")) === text).toBe(true);
});

test("a container that starts late is followed from its first line, and a lost spool is read again to the same bytes", async () => {
  const api = await open();
  const ns = await temporaryNamespace("logs");
  const dataDirectory = await temporaryDirectory();
  const logs = await openLogs(api, { namespace: ns, dataDirectory });
  const place = { runId: "late", attempt: 1, podName: "late", container: "main" };
  logs.follow(place);
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  await startPod(api, ns, "late", `${numbered(1, "sleep 1")}; sleep 20; echo last`);
  await eventually(async () => expect((await readAll(logs, "late")).length).toBe(1_048_576), 30_000);
  await logs.close();
  const again = await openLogs(api, { namespace: ns });
  again.follow(place);
  const middle = await eventually(async () => {
    const piece = await again.read("late", 500_000, 9);
    expect(piece.text).not.toBe("");
    return piece;
  }, 30_000);
  expect(middle.offset).toBe(500_000);
  const kept = await openLogs(api, { namespace: ns, dataDirectory });
  kept.follow(place);
  await ended(api, ns, "late");
  const [left, right] = await Promise.all([again.end("late"), kept.end("late")]);
  expect(left).toEqual(right);
  expect(left?.bytes).toBe(1_048_576 + "last\n".length);
});
