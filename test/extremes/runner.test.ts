import fc from "fast-check";
import { expect, test } from "vitest";
import { report, startRunner } from "../connection/runner.ts";
import { FakeClock } from "../fakes/clock.ts";
import { eventually } from "../fakes/eventually.ts";
import { FakeGateway } from "../fakes/gateway.ts";
import { anyRecipe, cook, type Recipe } from "./recipes.ts";

const SEED = 20_261_129;

/** What the gateway may name: two of each kind, of which the runner knows nothing. */
const IDS = {
  pipelineId: [crypto.randomUUID(), crypto.randomUUID()],
  runId: [crypto.randomUUID(), crypto.randomUUID()],
};

/** Sends these frames to a runner, before or after the greeting; the runner must be in step again, and its states arrive. */
async function gatewaySends(recipes: readonly Recipe[], when: "welcome" | "comparison" | "ready"): Promise<void> {
  const clock = new FakeClock();
  const gateway = await FakeGateway.start(
    { welcomes: when !== "welcome", answersInventory: when === "ready" },
    { clock },
  );
  const { connection, side } = startRunner({ url: gateway.url, clock });
  const session = await gateway.session(0);
  await session.expect(when === "welcome" ? "hello" : when === "comparison" ? "inventory" : "inStep");
  for (const recipe of recipes) {
    session.socket.send(cook(recipe, "down", { epoch: session.epoch === 0 ? 1 : session.epoch, seq: 1, ids: IDS }));
  }
  gateway.script.welcomes = true;
  gateway.script.answersInventory = true;
  const state = report(1, "success");
  connection.put(state);
  // Whatever was sent, the line is kept or made again within its own limits, and time goes on as it should.
  for (let steps = 0; side.acknowledgedReports.length === 0 && steps < 2_000; steps += 1) {
    await clock.advance(connection.status().state === "waiting" ? 30_000 : 1_000);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(side.acknowledgedReports).toEqual([state]);
  expect(gateway.sessions.flatMap(({ unreadable }) => unreadable)).toEqual([]);
  for (const one of gateway.sessions) {
    await eventually(() => expect(one.closed?.code, one.closed?.reason).not.toBe(4500));
  }
  await connection.close("normal", 0);
  await gateway.stop();
}

test("whatever a gateway sends, its runner stays or dials again, and its states arrive", async () => {
  const property = fc.asyncProperty(
    fc.array(anyRecipe, { minLength: 1, maxLength: 3 }),
    fc.constantFrom("welcome", "comparison", "ready"),
    gatewaySends,
  );
  await fc.assert(property, { seed: SEED, numRuns: 14, endOnFailure: true });
}, 300_000);
