import { expect, test } from "vitest";
import { FakeClock } from "../../../fakes/clock.ts";
import { eventually } from "../../../fakes/eventually.ts";
import { FakePodLog, podGone, unavailable } from "./fake-pod-log.ts";
import { endOf, numberedLines, openLogs, RUN, readAll, source } from "./logs-world.ts";

/*
 * Whoever stops a run has its pod gone before anybody could read its log once more. Here it is gone when the run's end is known.
 */

const GONE =
  "[hybrid-runner: the rest of this attempt's log could not be read (the pod is gone); how many bytes are missing is not known]\n";

/** What is told of a log that was read so far when its pod is gone. */
async function endWithoutPod(
  pod: FakePodLog,
  logs: Awaited<ReturnType<typeof openLogs>>,
): Promise<{ readonly end: unknown; readonly text: string }> {
  pod.faults.refuse = podGone();
  pod.cut();
  return { end: await logs.end(RUN), text: await readAll(logs) };
}

test.each([
  ["with last words", "begin\nlast words\nwithout an end"],
  ["without a word", ""],
])(
  "of a pod that is gone, %s, the log is whole when two streams, one at once after the other, have come to its end",
  async (_, text) => {
    const pod = new FakePodLog();
    const logs = await openLogs(pod.api);
    logs.follow(source());
    await eventually(() => expect(pod.open).toBe(1));
    if (text !== "") pod.print(text);
    pod.end();
    await eventually(() => expect(pod.requests.length).toBe(2));
    await eventually(() => expect(pod.open).toBe(0));
    expect(await endWithoutPod(pod, logs)).toEqual({ end: endOf(text), text });
  },
);

test.each([
  ["when it is gone just then", podGone(), true],
  ["not when the node couldn't be asked just then", unavailable("connection refused"), false],
])("the log of a pod that is gone is called whole for its stream's end: %s", async (_, refusal, isWhole) => {
  const pod = new FakePodLog();
  const logs = await openLogs(pod.api);
  logs.follow(source());
  pod.print("one\n");
  await eventually(async () => expect(await readAll(logs)).toBe("one\n"));
  let isRefused = false;
  pod.faults.late = async () => {
    pod.faults.refuse = isRefused ? podGone() : refusal;
    isRefused = true;
  };
  pod.end();
  await eventually(() => expect(pod.requests.length).toBeGreaterThan(isWhole ? 1 : 2));
  const text = isWhole ? "one\n" : `one\n${GONE}`;
  expect(await endWithoutPod(pod, logs)).toEqual({ end: isWhole ? endOf(text) : undefined, text });
});

test("the log of a pod that is gone isn't called whole when its stream was broken without a word and the next one went on", async () => {
  const pod = new FakePodLog();
  const logs = await openLogs(pod.api);
  Object.assign(pod.faults, { breakAfter: 10, breaksCleanly: true });
  pod.print("one\n");
  pod.faults.late = async () => {
    if (pod.requests.length > 1) pod.faults.breakAfter = undefined;
  };
  logs.follow(source());
  await eventually(async () => expect(await readAll(logs)).toBe("one\n"));
  await eventually(() => expect(pod.open).toBe(1));
  pod.faults.stuck = true;
  pod.print("last words that nobody reads\n");
  expect(await endWithoutPod(pod, logs)).toEqual({ end: undefined, text: `one\n${GONE}` });
});

test("the log of a pod that is gone isn't called whole when it is so long that its node may have rotated it", async () => {
  const pod = new FakePodLog();
  const logs = await openLogs(pod.api);
  logs.follow(source());
  // Shorter than that itself, but not with what stands before its lines in the node's file.
  const text = numberedLines(0, 14_000, 40);
  pod.print(text);
  pod.end();
  await eventually(() => expect(pod.requests.length).toBe(2));
  await eventually(() => expect(pod.open).toBe(0));
  expect(await endWithoutPod(pod, logs)).toEqual({ end: undefined, text: text + GONE });
});

test("a log that the node has no more while its pod is still there is not called whole, nor rotated", async () => {
  const pod = new FakePodLog();
  const words = new TextEncoder().encode('failed to open log file "/var/log/pods/x/main/0.log": no such file\n');
  let isRemoved = false;
  const logs = await openLogs({
    podLog: async function* (namespace, name, options, signal) {
      if (isRemoved) yield words;
      else yield* pod.api.podLog(namespace, name, options, signal);
    },
  });
  logs.follow(source());
  pod.print("one\n");
  await eventually(async () => expect(await readAll(logs)).toBe("one\n"));
  isRemoved = true;
  pod.end();
  expect(await logs.end(RUN)).toBeUndefined();
  expect(await readAll(logs)).toBe(`one\n${GONE.replace("the pod is gone", "the node has it no more")}`);
});

test.each([
  ["nobody states it", "one\n", undefined],
  ["it is stated", "one\n", endOf("one\n")],
  ["there is none", "", undefined],
])(
  "an ended container's log is asked for twice, however long the cluster takes to tell its end, when %s",
  async (_, text, stated) => {
    const pod = new FakePodLog();
    const clock = new FakeClock();
    const logs = await openLogs(pod.api, { clock });
    pod.print(text);
    pod.end();
    const place = { ...source(), startedAt: clock.now() };
    logs.follow(place);
    await eventually(() => expect(pod.requests.length).toBe(2));
    await eventually(() => expect(pod.open).toBe(0));
    for (let look = 0; look < 10; look++) {
      logs.follow(place);
      await clock.advance(500);
    }
    expect(await logs.end(RUN, stated)).toEqual(endOf(text));
    expect(await readAll(logs)).toBe(text);
    expect(pod.requests.length).toBe(2);
  },
);
