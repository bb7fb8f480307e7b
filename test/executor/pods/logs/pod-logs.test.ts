import { expect, test } from "vitest";
import { eventually } from "../../../fakes/eventually.ts";
import { temporaryDirectory } from "../../../fakes/temporary-directory.ts";
import { FakePodLog, podGone, unavailable, waitingToStart } from "./fake-pod-log.ts";
import { endOf, numberedLines, openLogs, RUN, readAll, source } from "./logs-world.ts";

/** Something that is waited for until it is opened. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: () => resolve() };
}

/** A log whose streams that follow bring a piece every 100 ms, until they hurry. */
async function slowLog(): Promise<{
  readonly pod: FakePodLog;
  readonly logs: Awaited<ReturnType<typeof openLogs>>;
  readonly hurry: () => void;
}> {
  const pod = new FakePodLog();
  let isSlow = true;
  pod.faults.chunkBytes = 500;
  pod.faults.slow = async () => {
    if (isSlow) await new Promise((resolve) => setTimeout(resolve, 100));
  };
  const logs = await openLogs(pod.api);
  pod.print("begin\n");
  logs.follow(source());
  await eventually(async () => expect(await readAll(logs)).toBe("begin\n"));
  const hurry = (): void => {
    isSlow = false;
  };
  return { pod, logs, hurry };
}

test("a followed log is read as it is printed, without the times, and ends with its length and hash", async () => {
  const pod = new FakePodLog();
  const logs = await openLogs(pod.api);
  logs.follow(source());
  pod.print("one\ntwo\r50%\r100%\n");
  await eventually(async () => expect(await readAll(logs)).toBe("one\ntwo\r50%\r100%\n"));
  pod.print("häh ✓\nno end");
  await eventually(async () => expect(await readAll(logs)).toBe(pod.content));
  expect((await logs.read(RUN, pod.content.length + 10, 100)).ended).toBe(false);
  pod.end();
  expect(await logs.end(RUN)).toEqual(endOf(pod.content));
  expect((await logs.read(RUN, Buffer.byteLength(pod.content), 100)).ended).toBe(true);
  expect(await logs.tail(RUN, 2)).toEqual(["häh ✓", "no end"]);
});

test("no line is lost or doubled when every stream breaks after a few kilobytes, loudly or quietly", async () => {
  for (const breaksCleanly of [false, true]) {
    const pod = new FakePodLog();
    Object.assign(pod.faults, { breakAfter: 9_973, breaksCleanly, chunkBytes: 977 });
    const logs = await openLogs(pod.api);
    logs.follow(source());
    for (let round = 0; round < 12; round++) {
      pod.print(numberedLines(round * 50, 50));
      pod.advance(3_100);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    pod.end();
    const stated = endOf(pod.content);
    await eventually(async () => expect(await logs.end(RUN, stated)).toEqual(stated), 20_000);
    expect(await readAll(logs)).toBe(pod.content);
    expect(pod.requests.length).toBeGreaterThan(3);
  }
});

test("lines of exactly the same time are neither lost nor doubled after a reset", async () => {
  const pod = new FakePodLog();
  pod.faults.breakAfter = 200;
  pod.faults.chunkBytes = 100;
  const logs = await openLogs(pod.api);
  pod.print(numberedLines(0, 5, 20), true);
  logs.follow(source());
  await eventually(() => expect(pod.requests.length).toBeGreaterThan(1));
  pod.faults.breakAfter = 100_000;
  pod.print(numberedLines(5, 5, 20), true);
  pod.end();
  expect(await logs.end(RUN, endOf(pod.content))).toEqual(endOf(pod.content));
  expect(await readAll(logs)).toBe(pod.content);
});

test("a line of 1 MiB without an end arrives byte by byte across resets", async () => {
  const pod = new FakePodLog();
  pod.faults.breakAfter = 300_000;
  const logs = await openLogs(pod.api);
  pod.print("begin\n");
  logs.follow(source());
  pod.print("ä".repeat(524_288));
  await eventually(() => expect(pod.requests.length).toBeGreaterThan(2), 15_000);
  pod.faults.breakAfter = undefined;
  pod.print(" the end\nnext\n");
  pod.end();
  await eventually(async () => expect(await logs.end(RUN)).toEqual(endOf(pod.content)), 20_000);
  expect((await readAll(logs)) === pod.content).toBe(true);
});

test("bytes that are no UTF-8 are replaced, characters cut by chunks are not", async () => {
  const pod = new FakePodLog();
  pod.faults.chunkBytes = 1;
  const logs = await openLogs(pod.api);
  logs.follow(source());
  pod.print(Uint8Array.of(0x61, 0xff, 0x62, 0xc3, 0x0a));
  pod.print("ü✓😀\n");
  pod.print(Uint8Array.of(0x7a, 0xe2, 0x9c));
  pod.end();
  const text = "a\ufffdb\ufffd\nü✓😀\nz\ufffd";
  expect(await logs.end(RUN)).toEqual(endOf(text));
  expect(await readAll(logs, RUN, 4)).toBe(text);
});

test("what rotation ate before it was read is marked where it is missing and counted at the end", async () => {
  const pod = new FakePodLog();
  const logs = await openLogs(pod.api);
  logs.follow(source());
  const first = numberedLines(0, 10);
  pod.print(first);
  await eventually(async () => expect(await readAll(logs)).toBe(first));
  pod.faults.refuse = unavailable("connection refused");
  pod.cut();
  await eventually(() => expect(pod.open).toBe(0));
  pod.advance(5_000);
  pod.print(`${"lost".repeat(100)}\n`);
  pod.rotate();
  pod.advance(5_000);
  const last = numberedLines(20, 10);
  pod.print(last);
  pod.faults.refuse = undefined;
  pod.end();
  // What isn't whole is proved by no hash.
  expect(await logs.end(RUN, endOf(pod.content))).toBeUndefined();
  const arrived = first.length + last.length;
  const missing = pod.content.length - arrived;
  expect(await readAll(logs)).toBe(
    `${first}[hybrid-runner: ${missing} bytes of this attempt's log are missing here: the node rotated them away before they could be read]\n${last}[hybrid-runner: ${missing} bytes of this attempt's log are missing: ${pod.content.length} bytes were printed, ${arrived} arrived]\n`,
  );
});

test("a rotation that is followed through loses nothing and marks nothing when the wrapper's statement fits", async () => {
  const pod = new FakePodLog();
  const logs = await openLogs(pod.api);
  logs.follow(source());
  for (let file = 0; file < 5; file++) {
    pod.print(numberedLines(file * 100, 100));
    await eventually(async () => expect((await readAll(logs)).length).toBe(pod.content.length));
    pod.rotate();
    pod.advance(2_000);
  }
  pod.print("after\n");
  pod.end();
  expect(await logs.end(RUN, endOf(pod.content))).toEqual(endOf(pod.content));
  expect(await readAll(logs)).toBe(pod.content);
});

test("what an open stream still brings when the container has ended and its file was rotated away is read to its end", async () => {
  for (const after of ["", numberedLines(3_000, 200)]) {
    const pod = new FakePodLog();
    const first = gate();
    pod.faults.slow = () => first.opened;
    const logs = await openLogs(pod.api);
    pod.print(numberedLines(0, 3_000));
    logs.follow(source());
    await eventually(() => expect(pod.open).toBe(1));
    pod.rotate();
    pod.print(after);
    pod.end();
    const end = logs.end(RUN, endOf(pod.content));
    // The reading that finds nothing of what is here comes first.
    await eventually(() => expect(pod.requests.length).toBeGreaterThan(1));
    first.open();
    expect(await end).toEqual(endOf(pod.content));
    expect(await readAll(logs)).toBe(pod.content);
  }
});

test("a stream that never notices a rotation is read to its end before the next file, and no line is lost, doubled or misplaced", async () => {
  const pod = new FakePodLog();
  const first = gate();
  pod.faults.slow = () => first.opened;
  const logs = await openLogs(pod.api);
  pod.print(numberedLines(0, 20_000));
  logs.follow(source());
  await eventually(() => expect(pod.open).toBe(1));
  pod.rotate();
  pod.advance(2_000);
  pod.print(numberedLines(20_000, 200));
  first.open();
  await eventually(async () => expect(await readAll(logs)).toContain("\n00020199 "), 25_000);
  pod.print("the end\n");
  pod.end();
  const text = await eventually(async () => {
    expect(await logs.end(RUN, endOf(pod.content))).toBeDefined();
    return await readAll(logs);
  });
  // Where the rotation was noticed late it is said that something may be missing, and at the end that nothing is.
  const notes = text.split("\n").filter((line) => line.startsWith("[hybrid-runner: "));
  if (notes.length > 0) expect(notes.at(-1)).toContain("nothing of this attempt's log is missing");
  expect(text.replaceAll(/^\[hybrid-runner: .*\]\n/gm, "")).toBe(pod.content);
}, 40_000);

test("a stream that falls behind is overtaken, and kept where the node's file doesn't reach back to it", async () => {
  for (const rotates of [false, true]) {
    const pod = new FakePodLog();
    const logs = await openLogs(pod.api);
    pod.print("first\n");
    logs.follow(source());
    await eventually(async () => expect(await readAll(logs)).toBe("first\n"));
    let [pieces, isSlow] = [0, true];
    pod.faults.chunkBytes = 500;
    pod.faults.slow = async () => {
      pieces++;
      if (isSlow) await new Promise((resolve) => setTimeout(resolve, 100));
    };
    // Half a minute's lines at once: whatever comes of them is old.
    for (let second = 0; second < 30; second++) {
      pod.advance(-1_000);
      pod.print(numberedLines(second * 100, 100));
    }
    if (rotates) pod.rotate();
    await eventually(() => expect(pieces).toBeGreaterThan(25), 15_000);
    isSlow = false;
    pod.end();
    const stated = endOf(pod.content);
    await eventually(async () => expect(await logs.end(RUN, stated)).toEqual(stated), 20_000);
    expect(await readAll(logs)).toBe(pod.content);
  }
}, 60_000);

test("a log that nobody stated and that was rotated says at its end that lines may be missing", async () => {
  const pod = new FakePodLog();
  const logs = await openLogs(pod.api);
  logs.follow(source());
  const before = numberedLines(0, 20_000);
  pod.print(before);
  await eventually(async () => expect((await readAll(logs)).length).toBe(before.length));
  pod.rotate();
  pod.print("after\n");
  await eventually(async () => expect((await readAll(logs)).endsWith("\nafter\n")).toBe(true));
  pod.end();
  await logs.end(RUN);
  expect((await readAll(logs)).slice(before.length)).toMatch(
    /^after\n\[hybrid-runner: the node rotated this log, the last time before 2026-/,
  );
});

test("a container that starts late and a log endpoint that refuses for a while delay the log and lose nothing", async () => {
  const pod = new FakePodLog();
  pod.faults.refuse = waitingToStart();
  const logs = await openLogs(pod.api);
  logs.follow(source());
  await eventually(() => expect(pod.requests.length).toBeGreaterThan(1));
  pod.print("started\n");
  pod.faults.refuse = unavailable("the API server answers 503");
  const asked = pod.requests.length;
  await eventually(() => expect(pod.requests.length).toBeGreaterThan(asked + 1));
  pod.faults.refuse = undefined;
  await eventually(async () => expect(await readAll(logs)).toBe("started\n"));
});

test("a stream that stays open and silent while the program prints on is doubted and opened again", async () => {
  const pod = new FakePodLog();
  const logs = await openLogs(pod.api);
  logs.follow(source());
  pod.print("one\n");
  await eventually(async () => expect(await readAll(logs)).toBe("one\n"));
  pod.faults.stuck = true;
  pod.print("two\n");
  await eventually(async () => expect(await readAll(logs)).toBe("one\ntwo\n"), 25_000);
});

test("a runner that starts again goes on exactly where its spool ends", async () => {
  const pod = new FakePodLog();
  const dataDirectory = await temporaryDirectory();
  for (let life = 0; life < 5; life++) {
    const logs = await openLogs(pod.api, { dataDirectory });
    logs.follow(source());
    pod.print(numberedLines(life * 30, 30));
    pod.print(`unfinished ${life}`);
    await eventually(async () => expect(await readAll(logs)).toBe(pod.content));
    await logs.close();
    pod.print(` finished\nwhile nobody looked ${life}\n`);
    pod.advance(1_700);
  }
  pod.end();
  const logs = await openLogs(pod.api, { dataDirectory });
  logs.follow(source());
  expect(await logs.end(RUN)).toEqual(endOf(pod.content));
  expect(await readAll(logs)).toBe(pod.content);
  await logs.close();
  const asked = pod.requests.length;
  expect(await (await openLogs(pod.api, { dataDirectory })).end(RUN)).toEqual(endOf(pod.content));
  expect(pod.requests.length).toBe(asked);
});

test("a lost spool is read again: the same bytes at the same offsets", async () => {
  const pod = new FakePodLog();
  pod.print(numberedLines(0, 500));
  const before = await openLogs(pod.api);
  before.follow(source());
  await eventually(async () => expect(await readAll(before)).toBe(pod.content));
  await before.close();
  const logs = await openLogs(pod.api);
  logs.follow({ ...source(), startedAt: Date.now() - 3_600_000 });
  const from = 20_000;
  await eventually(async () => expect((await logs.read(RUN, from, 50)).text).toBe(pod.content.slice(from, from + 50)));
  expect(await readAll(logs)).toBe(pod.content);
});

test("a lost spool whose beginning was rotated away goes on where its reader was, behind a marker", async () => {
  const pod = new FakePodLog();
  pod.print(numberedLines(0, 500));
  const had = pod.content.length;
  pod.rotate();
  pod.print("new file\n");
  const logs = await openLogs(pod.api);
  logs.follow({ ...source(), startedAt: Date.now() - 3_600_000 });
  const piece = await eventually(async () => {
    const read = await logs.read(RUN, had, 4_000);
    expect(read.text).toContain("new file\n");
    return read;
  });
  expect(piece.offset).toBe(had);
  expect(piece.text).toMatch(
    /^\[hybrid-runner: what was printed before 2026-.* is missing here or stands above.*\]\nnew file\n$/,
  );
  pod.print("later\n");
  pod.end();
  expect(await logs.end(RUN)).toBeUndefined();
  expect((await logs.read(RUN, piece.nextOffset, 4_000)).text).toMatch(/^later\n/);
});

test("a later attempt's log follows the one before, which is drained first", async () => {
  const [first, second] = [new FakePodLog(), new FakePodLog()];
  const logs = await openLogs({
    podLog: (namespace, pod, options, signal) =>
      (pod === "pod-1" ? first : second).api.podLog(namespace, pod, options, signal),
  });
  logs.follow(source(1));
  first.print("from the first\n");
  await eventually(async () => expect(await readAll(logs)).toBe("from the first\n"));
  first.faults.stuck = true;
  first.print("its last words");
  first.end();
  logs.follow(source(2));
  second.print("from the second\n");
  second.end();
  const text = "from the first\nits last words\n[hybrid-runner: attempt 2]\nfrom the second\n";
  await eventually(async () => expect(await readAll(logs)).toBe(text));
  expect(await logs.end(RUN, endOf("from the second\n"))).toEqual(endOf(text));
});

test("a log that ended goes on with another attempt", async () => {
  const pod = new FakePodLog();
  pod.print("one\n");
  pod.end();
  const logs = await openLogs(pod.api);
  logs.follow(source(1));
  expect(await logs.end(RUN)).toEqual(endOf("one\n"));
  logs.follow(source(2));
  const text = "one\n[hybrid-runner: attempt 2]\none\n";
  await eventually(async () => expect(await readAll(logs)).toBe(text));
  expect(await logs.end(RUN)).toEqual(endOf(text));
});

test("what can't be read because the pod is gone is told, unless all of it arrived", async () => {
  const pod = new FakePodLog();
  const logs = await openLogs(pod.api);
  logs.follow(source());
  pod.print("one\n");
  await eventually(async () => expect(await readAll(logs)).toBe("one\n"));
  pod.faults.refuse = podGone();
  expect(await logs.end(RUN, endOf("one\n"))).toEqual(endOf("one\n"));
  logs.follow(source(2));
  await logs.end(RUN, endOf("two\n"));
  expect(await readAll(logs)).toBe(
    "one\n[hybrid-runner: attempt 2]\n[hybrid-runner: 4 bytes of this attempt's log are missing: 4 bytes were printed, 0 arrived (the pod is gone)]\n",
  );
});

test("the kubelet's own words in place of a log are not taken for the program's", async () => {
  const pod = new FakePodLog();
  const words = new TextEncoder().encode('failed to try resolving symlinks in path "/var/log/pods/x": no such file\n');
  const logs = await openLogs({
    podLog: async function* (namespace, name, options, signal) {
      if (pod.requests.length === 0) yield words;
      yield* pod.api.podLog(namespace, name, options, signal);
    },
  });
  pod.print("the program's\n");
  pod.end();
  logs.follow(source());
  expect(await logs.end(RUN)).toEqual(endOf("the program's\n"));
});

test("a line of ours stands on a line of its own and doesn't disturb the statement", async () => {
  const pod = new FakePodLog();
  const logs = await openLogs(pod.api);
  logs.follow(source());
  pod.print("half");
  await eventually(async () => expect(await readAll(logs)).toBe("half"));
  await logs.note(RUN, "attempt 2 in 300 s");
  pod.print(" a line\n");
  pod.end();
  const text = "half\n[hybrid-runner: attempt 2 in 300 s]\n a line\n";
  expect(await logs.end(RUN, endOf(pod.content))).toEqual(endOf(text));
  expect(await readAll(logs)).toBe(text);
});

test("a log that was drained before the statement was known is compared with it afterwards, once", async () => {
  const pod = new FakePodLog();
  const dataDirectory = await temporaryDirectory();
  pod.print("one\n");
  pod.end();
  const text = "one\n[hybrid-runner: 3 bytes of this attempt's log are missing: 7 bytes were printed, 4 arrived]\n";
  for (let life = 0; life < 2; life++) {
    const logs = await openLogs(pod.api, { dataDirectory });
    logs.follow(source());
    await logs.end(RUN);
    expect(await logs.end(RUN, { bytes: 7, sha256: "0".repeat(64) })).toBeUndefined();
    expect(await readAll(logs)).toBe(text);
    await logs.close();
  }
});

test("files of which each was rotated away before the one before was read are read in their order, and none is left out", async () => {
  const { pod, logs, hurry } = await slowLog();
  // The first is long enough to be read until the others are there.
  for (const [file, lines] of [2_000, 100, 100, 100].entries()) {
    pod.advance(10_000);
    pod.print(numberedLines(file * 10_000, lines));
    await eventually(() => expect([...pod.openedFiles]).toContain(file), 20_000);
    pod.rotate();
  }
  hurry();
  pod.print("the end\n");
  pod.end();
  const stated = endOf(pod.content);
  await eventually(async () => expect(await logs.end(RUN, stated)).toBeDefined(), 20_000);
  expect((await readAll(logs)).replaceAll(/^\[hybrid-runner: .*\]\n/gm, "")).toBe(pod.content);
}, 60_000);

test("another pod of the same attempt is read behind a line that says so, and a proof is of the pod that it is about", async () => {
  const [first, second] = [new FakePodLog(), new FakePodLog()];
  const dataDirectory = await temporaryDirectory();
  const api = {
    podLog: ((namespace, pod, options, signal) =>
      (pod === "pod-1" ? first : second).api.podLog(
        namespace,
        pod,
        options,
        signal,
      )) satisfies FakePodLog["api"]["podLog"],
  };
  const logs = await openLogs(api, { dataDirectory });
  logs.follow(source());
  first.print("from the first\n");
  await eventually(async () => expect(await readAll(logs)).toBe("from the first\n"));
  // Suspended and resumed: the Job's pod is gone, and with it what it printed last.
  first.faults.refuse = podGone();
  first.cut();
  const other = { ...source(), podName: "pod-other" };
  logs.follow(other);
  second.print("from the second\n");
  const text =
    "from the first\n[hybrid-runner: the rest of this attempt's log could not be read (the pod is gone); how many bytes are missing is not known]\n[hybrid-runner: pod pod-other takes the place of the one before]\nfrom the second\n";
  await eventually(async () => expect(await readAll(logs)).toBe(text));
  // Whoever still speaks of the first one brings nothing back, also after a restart.
  logs.follow(source());
  await logs.close();
  const again = await openLogs(api, { dataDirectory });
  again.follow(source());
  again.follow(other);
  second.end();
  // The statement is the second pod's, and the first one's end is missing for good.
  expect(await again.end(RUN, endOf("from the second\n"))).toBeUndefined();
  expect(await readAll(again)).toBe(text);
});

test("the beginning of a file whose lines were stamped before the last ones of the file before is not left out", async () => {
  for (const startsWith of ["", "the rest of a line\n"]) {
    const pod = new FakePodLog();
    const logs = await openLogs(pod.api);
    logs.follow(source());
    // The node finishes the old file while it writes to the new one already.
    pod.print(numberedLines(0, 50));
    pod.advance(20);
    pod.print(`${numberedLines(50, 50)}${startsWith === "" ? "" : "a part and "}`);
    await eventually(async () => expect(await readAll(logs)).toBe(pod.content));
    pod.faults.refuse = unavailable("connection refused");
    pod.cut();
    await eventually(() => expect(pod.open).toBe(0));
    pod.rotate();
    pod.advance(-20);
    pod.print(startsWith + numberedLines(100, 1_500));
    pod.advance(40);
    pod.print(numberedLines(1_600, 50));
    pod.faults.refuse = undefined;
    await eventually(async () => expect(await readAll(logs)).toContain("00001649"), 20_000);
    pod.end();
    expect(await logs.end(RUN, endOf(pod.content))).toBeDefined();
    expect((await readAll(logs)).replaceAll(/\n?\[hybrid-runner: .*\]\n/g, "").replaceAll("\n", "")).toBe(
      pod.content.replaceAll("\n", ""),
    );
  }
}, 30_000);

test("a stream that goes on with the next file by itself, inside a line, doubles nothing of what another one has of that file", async () => {
  const { pod, logs, hurry } = await slowLog();
  pod.advance(5_000);
  pod.print(`${numberedLines(0, 2_000)}a part and `);
  pod.rotate();
  pod.print(`the rest\n${numberedLines(2_000, 500)}`);
  pod.advance(2_000);
  pod.print(numberedLines(2_500, 100));
  // It is behind, and another stream waits with the next file.
  await eventually(() => expect([...pod.openedFiles]).toContain(1), 20_000);
  hurry();
  await eventually(async () => expect(await readAll(logs)).toContain("00002599"), 20_000);
  pod.end();
  expect(await logs.end(RUN, endOf(pod.content))).toEqual(endOf(pod.content));
  expect(await readAll(logs)).toBe(pod.content);
}, 60_000);

test("a file is read to its end only when the node sends the stream that follows behind it", async () => {
  const { pod, logs, hurry } = await slowLog();
  let isOvertaken = false;
  pod.faults.late = async ({ follow }) => {
    if (!follow || isOvertaken) return;
    isOvertaken = true;
    hurry();
    // Whoever goes on meanwhile reads all that is there; then more comes, and a rotation, before this stream opens its file.
    await new Promise((resolve) => setTimeout(resolve, 500));
    pod.print(numberedLines(2_000, 100));
    pod.rotate();
    pod.advance(2_000);
    pod.print(numberedLines(2_100, 100));
  };
  pod.advance(5_000);
  pod.print(numberedLines(0, 2_000));
  await eventually(() => expect(isOvertaken).toBe(true), 20_000);
  await eventually(async () => expect(await readAll(logs)).toContain("00002199"), 20_000);
  pod.end();
  expect(await logs.end(RUN, endOf(pod.content))).toEqual(endOf(pod.content));
  expect(await readAll(logs)).toBe(pod.content);
}, 60_000);

test.each([
  ["without a word", true, 0],
  ["with an error", false, 0],
  ["with an error, and the node can't be asked for a moment", false, 3],
  ["with an error, and the node can't be asked for longer than anybody waits", false, 20],
])(
  "a stream that is cut %s while another one waits behind it is read on from the node, which still has the rest",
  { timeout: 60_000 },
  async (_, breaksCleanly, refusals) => {
    const { pod, logs, hurry } = await slowLog();
    // The stream that overtakes breaks long before the file's end.
    let isBroken = false;
    let left = 0;
    pod.faults.breaksCleanly = breaksCleanly;
    pod.faults.late = async ({ follow, limitBytes }) => {
      const breaks = !follow && limitBytes === undefined && !isBroken;
      pod.faults.refuse = !follow && limitBytes === undefined && left-- > 0 ? unavailable("reset") : undefined;
      isBroken ||= breaks;
      pod.faults.breakAfter = breaks ? 120_000 : undefined;
      if (!breaks) return;
      left = refusals;
      hurry();
    };
    pod.advance(5_000);
    pod.print(numberedLines(0, 2_000));
    pod.advance(5_000);
    pod.print(numberedLines(2_000, 2_000));
    await eventually(async () => expect(await readAll(logs)).toContain("00003999"), 40_000);
    expect(isBroken).toBe(true);
    pod.end();
    expect(await logs.end(RUN, endOf(pod.content))).toEqual(endOf(pod.content));
    expect(await readAll(logs)).toBe(pod.content);
  },
);
