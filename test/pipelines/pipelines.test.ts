import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createLog, silentLog } from "../../src/base/log.ts";
import { openPipelineFiles } from "../../src/pipelines/pipeline-files.ts";
import { Pipelines } from "../../src/pipelines/pipelines.ts";
import type { PipelineBody } from "../../src/protocol/messages.ts";
import { FakeClock } from "../fakes/clock.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

const ids = ["a", "b", "c"].map((letter) => `${letter.repeat(8)}-aaaa-4aaa-8aaa-aaaaaaaaaaaa`);
const [first = "", second = "", third = ""] = ids;

function body(pipelineId: string, generation: number, changes: Partial<PipelineBody> = {}): PipelineBody {
  return {
    pipelineId,
    generation,
    hash: `hash-${generation}`,
    name: "p",
    fullyQualifiedName: "s.p",
    pipelineType: "metadata",
    enabled: true,
    config: { source: { type: "sqlite" } },
    ...changes,
  };
}

async function openIn(directory: string): Promise<Pipelines> {
  return Pipelines.open(await openPipelineFiles(directory, silentLog));
}

test("pipelines survive a restart, in files only their owner can read", async () => {
  const directory = join(await temporaryDirectory(), "pipelines");
  await (await openIn(directory)).deploy(body(first, 1));
  const again = await openIn(directory);
  expect(again.keys()).toEqual([{ pipelineId: first, generation: 1, hash: "hash-1" }]);
  expect(await again.read(first)).toEqual(body(first, 1));
  expect((await stat(join(directory, `${first}.json`))).mode & 0o777).toBe(0o600);
});

test("deploy replaces an older generation and leaves an equal or newer one", async () => {
  const pipelines = await openIn(await temporaryDirectory());
  await pipelines.deploy(body(first, 3));
  await pipelines.deploy(body(first, 2));
  expect((await pipelines.read(first))?.generation).toBe(3);
  await pipelines.deploy(body(first, 4));
  expect((await pipelines.read(first))?.generation).toBe(4);
});

test("deploy takes the same generation with another hash: a restored gateway wants what it wants now", async () => {
  const pipelines = await openIn(await temporaryDirectory());
  await pipelines.deploy(body(first, 3));
  await pipelines.deploy(body(first, 3, { hash: "other", name: "renamed" }));
  expect((await pipelines.read(first))?.name).toBe("renamed");
});

test("compare fetches what is missing or older, removes only under a tombstone and calls the rest orphans", async () => {
  const pipelines = await openIn(await temporaryDirectory());
  for (const id of ids) await pipelines.deploy(body(id, 2));
  const difference = pipelines.compare(
    [
      { pipelineId: first, generation: 3, hash: "hash-3" },
      { pipelineId: "dddddddd-aaaa-4aaa-8aaa-aaaaaaaaaaaa", generation: 1, hash: "hash-1" },
    ],
    [
      { pipelineId: second, generation: 2 },
      { pipelineId: "eeeeeeee-aaaa-4aaa-8aaa-aaaaaaaaaaaa", generation: 9 },
    ],
  );
  expect(difference).toEqual({
    fetch: [first, "dddddddd-aaaa-4aaa-8aaa-aaaaaaaaaaaa"],
    remove: [{ pipelineId: second, generation: 2 }],
    orphans: [{ pipelineId: third, generation: 2, hash: "hash-2" }],
  });
});

test("an empty wish list deletes nothing", async () => {
  const directory = await temporaryDirectory();
  const pipelines = await openIn(directory);
  for (const id of ids) await pipelines.deploy(body(id, 1));
  expect(pipelines.compare([], [])).toMatchObject({ fetch: [], remove: [], orphans: { length: 3 } });
  expect(await readdir(directory)).toHaveLength(3);
});

test("a tombstone older than the pipeline doesn't bury it", async () => {
  const pipelines = await openIn(await temporaryDirectory());
  await pipelines.deploy(body(first, 5));
  expect(pipelines.isBuriedBy({ pipelineId: first, generation: 4 })).toBe(false);
  expect(pipelines.isBuriedBy({ pipelineId: first, generation: 5 })).toBe(true);
  await pipelines.remove(first);
  expect(await pipelines.read(first)).toBeUndefined();
});

test("a damaged file is told without its content, left alone, and does not hide the others", async () => {
  const directory = await temporaryDirectory();
  await (await openIn(directory)).deploy(body(first, 1));
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, `${second}.json`), '{"token":"hunter2secret"');
  const lines: string[] = [];
  const log = createLog({ clock: new FakeClock(), level: "info", format: "text", write: (line) => lines.push(line) });
  const pipelines = await Pipelines.open(await openPipelineFiles(directory, log));
  expect(pipelines.keys().map((key) => key.pipelineId)).toEqual([first]);
  expect(lines.join("")).toContain("its file is damaged");
  expect(lines.join("")).not.toContain("hunter2secret");
  expect(await readFile(join(directory, `${second}.json`), "utf8")).toContain("hunter2secret");
});

test("a pipeline that is one too many, or makes all too large, is refused and changes nothing", async () => {
  const directory = await temporaryDirectory();
  const size = JSON.stringify(body(first, 1)).length;
  const limits = { most: 2, mostBytes: 3 * size };
  const pipelines = await Pipelines.open(await openPipelineFiles(directory, silentLog), limits);
  await pipelines.deploy(body(first, 1));
  const many = await Promise.allSettled([pipelines.deploy(body(second, 1)), pipelines.deploy(body(third, 1))]);
  expect(many.map((one) => one.status)).toEqual(["fulfilled", "rejected"]);
  await expect(pipelines.deploy(body(third, 1))).rejects.toMatchObject({ code: "TooManyPipelines" });
  const larger = { config: { text: "x".repeat(2 * size) } };
  await expect(pipelines.deploy(body(second, 2, larger))).rejects.toMatchObject({ code: "TooManyPipelines" });
  expect(pipelines.keys()).toEqual([first, second].map((id) => ({ pipelineId: id, generation: 1, hash: "hash-1" })));
  // What is here may be changed without growing, also where less is allowed than before; and what goes makes room.
  const narrow = await Pipelines.open(await openPipelineFiles(directory, silentLog), { most: 1, mostBytes: 1 });
  await narrow.deploy(body(second, 2, { enabled: true }));
  await expect(narrow.deploy(body(third, 1))).rejects.toMatchObject({ code: "TooManyPipelines" });
  await pipelines.remove(first);
  await pipelines.deploy(body(third, 1));
  expect(pipelines.keys()).toHaveLength(2);
});
