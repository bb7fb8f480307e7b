import { expect, test } from "vitest";
import type { RunReport } from "../../../src/executor/executor.ts";
import { eventually } from "../../fakes/eventually.ts";
import { specOf } from "../executor.contract.ts";
import { endOf as logEndOf } from "../pods/logs/logs-world.ts";
import { createKubernetesWorld } from "./kubernetes-world.ts";

/** Collects what an executor tells of a run until it tells no more. */
function collected(reports: AsyncIterable<RunReport>): { readonly reports: RunReport[]; readonly over: Promise<void> } {
  const all: RunReport[] = [];
  const over = (async (): Promise<void> => {
    for await (const report of reports) all.push(report);
  })();
  return { reports: all, over };
}

test("a log that is read long after the run's end is told with its length and hash then, also by a runner that was started anew", {
  timeout: 300_000,
}, async () => {
  const world = await createKubernetesWorld();
  const first = await world.open();
  const spec = specOf([{ say: "hello\n" }]);
  const heal = world.cluster.fault({ match: { subresource: "log" }, status: 503 });
  await first.start(spec);
  const before = collected(first.observe(spec.runId, new AbortController().signal));
  await eventually(() => expect(before.reports.at(-1)).toMatchObject({ state: "success" }), 40_000);
  expect(before.reports.at(-1)).not.toHaveProperty("log");
  await first.close();
  await before.over;
  // The end of a log that nobody could read isn't known, and nobody says that it is.
  expect(before.reports.at(-1)).not.toHaveProperty("log");

  const second = await world.open();
  const after = collected(second.observe(spec.runId, new AbortController().signal));
  await eventually(() => expect(after.reports.at(-1)).toMatchObject({ state: "success" }), 40_000);
  const told = after.reports.at(-1);
  expect(told).not.toHaveProperty("log");
  heal();
  await after.over;
  const { log, ...rest } = after.reports.at(-1) ?? {};
  expect(rest).toEqual(told);
  const piece = await second.readLog(spec.runId, 0, 100_000);
  expect(piece.ended).toBe(true);
  expect(piece.text).toContain("hello\n");
  expect(log).toEqual(logEndOf(piece.text));
});
