import { expect, test } from "vitest";
import { PODS, type Pod } from "../../../../src/kubernetes/objects.ts";
import { eventually } from "../../../fakes/eventually.ts";
import { type FakeUnderTest, openFake } from "../../../fakes/kubernetes/fake-client.ts";
import { endOf, openLogs, readAll } from "./logs-world.ts";

const LINES = 300;
const TEXT = Array.from({ length: LINES }, (_, index) => `line ${index + 1}\n`).join("");
/** A line every 20 ms, so that it takes six seconds. */
const SCRIPT = `i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); echo "line $i"; sleep 0.02; done`;

async function startPod({ api, namespace, image }: FakeUnderTest, script: string): Promise<void> {
  const main = { name: "main", image, command: ["/bin/sh", "-c", script] };
  const metadata = { name: "printer" };
  await api.create<Pod>(PODS, namespace, {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: { restartPolicy: "Never", containers: [main] },
  });
}

const place = { runId: "run", attempt: 1, podName: "printer", container: "main" };

test("a log lives through cut connections, an API server that goes away, 503 and a node that can't be reached", async () => {
  const fake = await openFake();
  const { api, cluster, namespace } = fake;
  const logs = await openLogs(api, { namespace });
  await startPod(fake, SCRIPT);
  logs.follow(place);
  await eventually(async () => expect(await readAll(logs, "run")).toContain("line 20\n"), 20_000);
  cluster.resetConnections();
  await eventually(async () => expect(await readAll(logs, "run")).toContain("line 60\n"), 20_000);
  await cluster.stopServing();
  await new Promise((resolve) => setTimeout(resolve, 500));
  await cluster.serveAgain();
  const healed = cluster.fault({ match: { subresource: "log" }, status: 503 });
  cluster.resetConnections();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  healed();
  cluster.node.pause();
  cluster.resetConnections();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  cluster.node.resume();
  const cutting = cluster.fault({ match: { subresource: "log" }, cutAfterBytes: 6_000, times: 5 });
  await eventually(async () => {
    expect((await api.get(PODS, namespace, "printer")).status?.phase).toBe("Succeeded");
  });
  cutting();
  expect(await logs.end("run", endOf(TEXT))).toEqual(endOf(TEXT));
  expect(await readAll(logs, "run")).toBe(TEXT);
});

test("a rotation while the log can't be read is a marked gap with a count", async () => {
  const fake = await openFake();
  const { api, cluster, namespace } = fake;
  const logs = await openLogs(api, { namespace });
  await startPod(fake, "echo first; sleep 2; echo lost; sleep 2; echo last");
  logs.follow(place);
  await eventually(async () => expect(await readAll(logs, "run")).toBe("first\n"), 20_000);
  const healed = cluster.fault({ match: { subresource: "log" }, status: 500 });
  cluster.resetConnections();
  await new Promise((resolve) => setTimeout(resolve, 2_800));
  cluster.node.rotateLog("printer");
  healed();
  await eventually(async () => {
    expect((await api.get(PODS, namespace, "printer")).status?.phase).toBe("Succeeded");
  });
  const text = "first\nlost\nlast\n";
  expect(await logs.end("run", endOf(text))).toBeUndefined();
  expect(await readAll(logs, "run")).toMatch(
    /^first\n\[hybrid-runner: (?:5 bytes of this attempt's log are missing here|log may be missing here): .*\]\nlast\n\[hybrid-runner: 5 bytes of this attempt's log are missing: 16 bytes were printed, 11 arrived\]\n$/,
  );
});
