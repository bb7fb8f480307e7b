import { appendFile, readFile, rm, stat, symlink, truncate, unlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../../../../src/base/clock.ts";
import { createLog } from "../../../../../src/base/log.ts";
import { listPodLogsOnSite, readPodLogOnSite } from "../../../../../src/executor/pods/logs/spool/logs-on-site.ts";
import { Spool } from "../../../../../src/executor/pods/logs/spool/spool.ts";
import { NOTHING_READ } from "../../../../../src/executor/pods/logs/stream/log-intake.ts";
import { FakeClock } from "../../../../fakes/clock.ts";
import { eventually } from "../../../../fakes/eventually.ts";
import { temporaryDirectory } from "../../../../fakes/temporary-directory.ts";
import { FakePodLog } from "../fake-pod-log.ts";
import { endOf, numberedLines, openLogs, RUN, readAll, source } from "../logs-world.ts";

test("a spool and its directories are for their owner only", async () => {
  const dataDirectory = await temporaryDirectory();
  const pod = new FakePodLog();
  const logs = await openLogs(pod.api, { dataDirectory });
  pod.print("one\n");
  pod.end();
  logs.follow(source());
  await logs.end(RUN);
  const modes = await Promise.all(
    ["pod-logs", `pod-logs/${RUN}`, `pod-logs/${RUN}/output.log`, `pod-logs/${RUN}/journal`].map(
      async (name) => (await stat(join(dataDirectory, name))).mode & 0o777,
    ),
  );
  expect(modes).toEqual([0o700, 0o700, 0o600, 0o600]);
});

test("what a crash left behind the last entry of the journal is cut off and read again", async () => {
  const dataDirectory = await temporaryDirectory();
  const directory = join(dataDirectory, "pod-logs", RUN);
  const pod = new FakePodLog();
  const before = await openLogs(pod.api, { dataDirectory });
  before.follow(source());
  pod.print("one\n");
  await eventually(async () => expect(await readAll(before)).toBe("one\n"));
  await before.close();
  await appendFile(join(directory, "output.log"), "two\nthr");
  await appendFile(join(directory, "journal"), '\n{"bytes":11,"content":1');
  pod.print("two\nthree\n");
  pod.end();
  const logs = await openLogs(pod.api, { dataDirectory });
  expect(await readAll(logs)).toBe("one\n");
  logs.follow(source());
  expect(await logs.end(RUN, endOf(pod.content))).toEqual(endOf(pod.content));
  expect(await readFile(join(directory, "output.log"), "utf8")).toBe(pod.content);
});

test("a text that is shorter than its journal says is read again from the beginning", async () => {
  const dataDirectory = await temporaryDirectory();
  const pod = new FakePodLog();
  pod.print(numberedLines(0, 100));
  const before = await openLogs(pod.api, { dataDirectory });
  before.follow(source());
  await eventually(async () => expect(await readAll(before)).toBe(pod.content));
  await before.close();
  await truncate(join(dataDirectory, "pod-logs", RUN, "output.log"), 1000);
  for (let life = 0; life < 2; life++) {
    const logs = await openLogs(pod.api, { dataDirectory });
    logs.follow(source());
    await eventually(async () => expect(await readAll(logs)).toBe(pod.content));
    await logs.close();
  }
});

test("a full disk is told, delays the log and loses nothing", async () => {
  const dataDirectory = await temporaryDirectory();
  const text = join(dataDirectory, "pod-logs", RUN, "output.log");
  const said: string[] = [];
  const log = createLog({ clock: systemClock, level: "warn", format: "text", write: (line) => said.push(line) });
  const pod = new FakePodLog();
  const logs = await openLogs(pod.api, { dataDirectory, log });
  await logs.note(RUN, "nothing yet");
  await unlink(text);
  await symlink("/dev/full", text);
  logs.follow(source());
  pod.print(numberedLines(0, 100));
  pod.end();
  await eventually(() => expect(said.join("")).toMatch(/can't be spooled now.*ENOSPC/));
  await unlink(text);
  await rm(join(dataDirectory, "pod-logs", RUN, "journal"));
  expect(said.length).toBe(1);
  await eventually(async () => expect((await logs.end(RUN, endOf(pod.content)))?.bytes).toBeGreaterThan(6_000), 20_000);
  expect((await readFile(text, "utf8")).endsWith(pod.content)).toBe(true);
});

test("a journal stays short however long a log grows", async () => {
  const directory = join(await temporaryDirectory(), "spool");
  const spool = await Spool.open(directory, systemClock);
  await spool.begin(source());
  await spool.note("first");
  const position = { ...NOTHING_READ, first: "2026-01-01T00:00:00.000000000Z", last: "2026-01-01T00:00:00.000000000Z" };
  for (let line = 0; line < 3_000; line++) {
    await spool.append(new TextEncoder().encode("x\n"), { ...position, same: line }, spool.epoch);
  }
  await spool.rest();
  expect((await stat(join(directory, "journal"))).size).toBeLessThan(300_000);
  expect((await Spool.open(directory, systemClock)).facts).toEqual(spool.facts);
});

test("released logs stay readable, the newest so many and for so long; others stay until they are released", async () => {
  const dataDirectory = await temporaryDirectory();
  const clock = new FakeClock();
  const pod = new FakePodLog();
  pod.print("text\n");
  pod.end();
  const runs = ["a", "b", "c", "d"];
  const logs = await openLogs(pod.api, { dataDirectory, clock, keepReleased: 2, keepReleasedDays: 1 });
  for (const runId of runs) {
    logs.follow(source(1, runId));
    await Promise.all([logs.end(runId), clock.advance(1_000)]);
    if (runId !== "d") await logs.release(runId);
  }
  await eventually(async () => {
    expect(await listPodLogsOnSite(dataDirectory)).toMatchObject([
      { runId: "b", state: "log ended", delivered: true, logBytes: 5 },
      { runId: "c", delivered: true },
      { runId: "d", delivered: false },
    ]);
  });
  expect(await logs.read("c", 0, 100)).toMatchObject({ text: "text\n", ended: true });
  expect(await logs.read("a", 0, 100)).toMatchObject({ text: "", ended: false });
  await logs.close();
  await clock.advance(90_000_000);
  const later = await openLogs(pod.api, { dataDirectory, clock, keepReleased: 2, keepReleasedDays: 1 });
  expect((await listPodLogsOnSite(dataDirectory)).map(({ runId }) => runId)).toEqual(["d"]);
  await later.release("d");
  await later.release("d");
  expect((await listPodLogsOnSite(dataDirectory))[0]).toMatchObject({ runId: "d", delivered: true });
});

test("a log is read on site beside the live runner, to its end", async () => {
  const dataDirectory = await temporaryDirectory();
  const pod = new FakePodLog();
  const logs = await openLogs(pod.api, { dataDirectory });
  logs.follow(source());
  pod.print("one\n");
  await eventually(async () => expect(await readAll(logs)).toBe("one\n"));
  const signal = new AbortController().signal;
  const whole = (async () => {
    let text = "";
    for await (const piece of readPodLogOnSite(dataDirectory, RUN, { follow: true, clock: systemClock, signal })) {
      text += piece.text;
    }
    return text;
  })();
  pod.print("two\n");
  pod.end();
  await logs.end(RUN);
  expect(await whole).toBe("one\ntwo\n");
});
