import { expect, test } from "vitest";
import type { Executor } from "../../src/executor/executor.ts";
import type { PodSettings } from "../../src/executor/pods/options.ts";
import { temporaryNamespace } from "./namespace.ts";
import { followed, openNative, runOf } from "./native-runs.ts";
import { wrapperImage } from "./wrapper-image.ts";

const SLOW = { timeout: 240_000 };
const ORPHANS = 3000;

async function openWrapped(name: string, script: string, pods: Partial<PodSettings> = {}): Promise<Executor> {
  const changes = { secretsMode: "wrapper" as const, wrapperImage: await wrapperImage() };
  return openNative(await temporaryNamespace(name), script, pods, changes);
}

const memory = (limit: string): Partial<PodSettings> => ({
  resources: { pipeline: { limits: { memory: limit } }, automation: {} },
});

test(
  `of ${ORPHANS} orphans of a program in a pod no remains are left, nor do any outlive the container`,
  SLOW,
  async () => {
    const script = `i=0; while [ $i -lt ${ORPHANS} ]; do (true &); i=$((i+1)); done; sleep 3
    echo "zombies: $(cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z ')"; (sleep 600 &); exit 5`;
    const executor = await openWrapped("orphans", script);
    const spec = runOf();
    await executor.start(spec);
    expect(await followed(executor, spec.runId).end).toMatchObject({ state: "failed", exitCode: 5 });
    expect((await executor.readLog(spec.runId, 0, 1000)).text).toBe("zombies: 0\n");
  },
);

test(
  "a program that ends well though the kernel killed its child for lack of memory is a success, and that is told",
  SLOW,
  async () => {
    const executor = await openWrapped("kills", 'tail /dev/zero; echo "child: $?"; exit 0', memory("192Mi"));
    const spec = runOf();
    await executor.start(spec);
    const end = await followed(executor, spec.runId).end;
    expect(end).toMatchObject({
      state: "success",
      proof: expect.stringContaining("the kernel killed a process of the container"),
    });
    expect((await executor.readLog(spec.runId, 0, 1000)).text).toContain("child: 137");
  },
);
