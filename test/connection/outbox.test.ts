import fc from "fast-check";
import { expect, test } from "vitest";
import { Outbox } from "../../src/connection/outbox.ts";
import type { RunReport } from "../../src/protocol/messages.ts";
import { RUN_STATES, supersedes } from "../../src/protocol/run-state.ts";
import { id, report } from "./runner.ts";

/** Sends all that waits, with numbers from `seq` on; the answer is what went out. */
function sendAll(outbox: Outbox, seq: number): RunReport[] {
  const sent: RunReport[] = [];
  for (let next = outbox.next(); next !== undefined; next = outbox.next()) {
    outbox.sent(seq++);
    sent.push(next);
  }
  return sent;
}

test("outbox puts a newer state in the place of an older one, and never an older one", () => {
  const outbox = new Outbox();
  for (const state of ["queued", "running", "queued"] as const) outbox.put(report(1, state));
  expect(sendAll(outbox, 1)).toEqual([report(1, "running")]);
});

test("outbox sends a state again that became richer, such as by the end of its log", () => {
  const outbox = new Outbox();
  outbox.put(report(1, "success"));
  sendAll(outbox, 1);
  const richer: RunReport = { ...report(1, "success"), log: { bytes: 0, sha256: "0".repeat(64) } };
  outbox.put(richer);
  expect(sendAll(outbox, 2)).toEqual([richer]);
  expect(outbox.acknowledge(1)).toEqual([]);
  expect(outbox.acknowledge(2)).toEqual([richer]);
});

test("outbox doesn't forget a state because an older one of the same run was acknowledged", () => {
  const outbox = new Outbox();
  outbox.put(report(1, "running"));
  sendAll(outbox, 1);
  outbox.put(report(1, "failed"));
  expect(outbox.acknowledge(1)).toEqual([]);
  expect(outbox.stats()).toEqual({ unacknowledged: 1, terminal: 1, waiting: 1 });
});

test("outbox keeps the end of an attempt when the next attempt begins, and drops its way there", () => {
  const outbox = new Outbox();
  outbox.put(report(1, "failed", 1));
  outbox.put(report(1, "running", 2));
  outbox.put(report(1, "queued", 3));
  expect(sendAll(outbox, 1)).toEqual([report(1, "failed", 1), report(1, "queued", 3)]);
});

test("outbox lets the others pass a report that can't be sent, and offers it again in the next session", () => {
  const outbox = new Outbox();
  outbox.put(report(1, "success"));
  outbox.put(report(2, "success"));
  outbox.setAside();
  expect(sendAll(outbox, 1)).toEqual([report(2, "success")]);
  outbox.rewind();
  expect(outbox.next()).toEqual(report(1, "success"));
});

test("outbox is empty once all is acknowledged, and says so", async () => {
  const outbox = new Outbox();
  await outbox.emptied();
  outbox.put(report(1, "success"));
  let empty = false;
  const told = outbox.emptied().then(() => {
    empty = true;
  });
  sendAll(outbox, 1);
  await Promise.resolve();
  expect(empty).toBe(false);
  outbox.acknowledge(1);
  await told;
  expect(empty).toBe(true);
});

test("outbox delivers the newest state of each run over any mix of puts, sends, acknowledgements and sessions", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("put" as const), run: fc.nat(3), state: fc.constantFrom(...RUN_STATES) }),
    fc.record({ kind: fc.constant("send" as const) }),
    fc.record({ kind: fc.constant("ack" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ kind: fc.constant("session" as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const outbox = new Outbox();
      const newest = new Map<string, RunReport>();
      const stored = new Map<string, RunReport>();
      let session: RunReport[] = [];
      const acknowledge = (seq: number): void => {
        for (const sent of session.slice(0, seq)) {
          const known = stored.get(sent.runId);
          if (known === undefined || supersedes(sent, known)) stored.set(sent.runId, sent);
        }
        outbox.acknowledge(seq);
      };
      for (const now of steps) {
        if (now.kind === "put") {
          const next = report(now.run, now.state);
          const known = newest.get(next.runId);
          if (known !== undefined && !supersedes(next, known)) continue;
          newest.set(next.runId, next);
          outbox.put(next);
        } else if (now.kind === "send") {
          session.push(...sendAll(outbox, session.length + 1));
        } else if (now.kind === "ack") {
          acknowledge(Math.round(now.share * session.length));
        } else {
          outbox.rewind();
          session = [];
        }
        expect(outbox.stats().unacknowledged).toBeLessThanOrEqual(newest.size);
      }
      outbox.rewind();
      session = sendAll(outbox, 1);
      acknowledge(session.length);
      expect(stored).toEqual(newest);
      expect(outbox.stats()).toEqual({ unacknowledged: 0, terminal: 0, waiting: 0 });
    }),
  );
});

test("outbox holds no more entries than there are runs", () => {
  const outbox = new Outbox();
  for (let n = 0; n < 10_000; n++) outbox.put({ ...report(n % 7, "running"), proof: String(n) });
  expect(outbox.stats().unacknowledged).toBe(7);
  expect(sendAll(outbox, 1).map(({ runId }) => runId)).toEqual([0, 1, 2, 3, 4, 5, 6].map(id));
});
