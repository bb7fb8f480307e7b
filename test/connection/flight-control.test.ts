import { expect, test } from "vitest";
import { FlightControl } from "../../src/connection/flight-control.ts";
import { LIMITS } from "../../src/protocol/limits.ts";
import { FakeClock } from "../fakes/clock.ts";

/** A line as a model: bytes leave one after the other at its rate, an acknowledgement comes one round trip later. */
class Line {
  readonly clock = new FakeClock();
  readonly flight = new FlightControl(this.clock);
  /** The longest time that a frame sent at any moment would have had to wait. */
  longestQueueMs = 0;
  delivered = 0;
  bytesPerSecond: number;
  readonly #roundTripMs: number;
  #seq = 0;
  #freeAt = 0;

  constructor(bytesPerSecond: number, roundTripMs: number) {
    this.bytesPerSecond = bytesPerSecond;
    this.#roundTripMs = roundTripMs;
    this.flight.noteRoundTrip(roundTripMs);
  }

  /** Sends as much as the window lets, all the time. */
  async flood(seconds: number): Promise<void> {
    const end = this.clock.monotonic() + seconds * 1000;
    while (this.clock.monotonic() < end) {
      while (this.flight.hasRoom("log", this.flight.pieceBytes)) this.#send(this.flight.pieceBytes);
      await this.clock.advance(100);
    }
  }

  /** Sends one small frame and waits for its acknowledgement. */
  async trickle(bytes: number): Promise<void> {
    this.#send(bytes);
    await this.clock.advance(1_000);
  }

  #send(bytes: number): void {
    const seq = ++this.#seq;
    const now = this.clock.monotonic();
    this.#freeAt = Math.max(this.#freeAt, now) + (bytes / this.bytesPerSecond) * 1000;
    this.longestQueueMs = Math.max(this.longestQueueMs, this.#freeAt - now);
    this.flight.sent("log", seq, bytes);
    this.clock.schedule(this.#freeAt - now + this.#roundTripMs, () => {
      this.delivered += bytes;
      this.flight.acknowledge(seq);
    });
  }
}

test("FlightControl lets no queue of more than 3 s grow on a line of 64 kbit/s, and uses most of the line", async () => {
  const line = new Line(8_000, 100);
  await line.flood(60);
  expect(line.longestQueueMs).toBeLessThan(3_000);
  expect(line.delivered).toBeGreaterThan(0.8 * 60 * 8_000);
});

test("FlightControl doesn't take a long way for a queue: 4 s round trip, the window opens all the same", async () => {
  const line = new Line(1_000_000, 4_000);
  await line.flood(150);
  expect(line.flight.windowBytes).toBe(LIMITS.logWindowBytes);
});

test("FlightControl of a fast line opens within a second", async () => {
  const line = new Line(100_000_000, 2);
  await line.flood(1);
  expect(line.flight.windowBytes).toBe(LIMITS.logWindowBytes);
  expect(line.flight.pieceBytes).toBe(LIMITS.logChunkBytes);
});

test("FlightControl keeps something on its way on the slowest line", async () => {
  const line = new Line(500, 2_000);
  await line.flood(120);
  expect(line.flight.windowBytes).toBe(4_096);
  expect(line.delivered).toBeGreaterThan(0.5 * 120 * 500);
});

test("FlightControl opens by small messages no further than a flood may fill on a slow line", async () => {
  const line = new Line(8_000, 100);
  for (let n = 0; n < 100; n++) await line.trickle(300);
  expect(line.flight.windowBytes).toBe(16_384);
  await line.flood(10);
  expect(line.longestQueueMs).toBeLessThan(3_000);
});

test("FlightControl narrows when the line does", async () => {
  const line = new Line(10_000_000, 10);
  await line.flood(2);
  expect(line.flight.windowBytes).toBe(LIMITS.logWindowBytes);
  line.bytesPerSecond = 8_000;
  await line.flood(600);
  line.longestQueueMs = 0;
  await line.flood(60);
  expect(line.longestQueueMs).toBeLessThan(3_000);
});

test("FlightControl has room for a state although logs fill their window, and for one frame of any size", () => {
  const flight = new FlightControl(new FakeClock());
  expect(flight.hasRoom("log", 1_000_000)).toBe(true);
  flight.sent("log", 1, 16_384);
  expect(flight.hasRoom("log", 1)).toBe(false);
  expect(flight.hasRoom("state", 1_000)).toBe(true);
  flight.acknowledge(1);
  expect(flight.hasRoom("log", 1)).toBe(true);
});
